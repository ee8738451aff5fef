import { describe, expect, test } from "vitest";
import {
  describeSkips,
  expectedServices,
  missingRequired,
  requestedServices,
  requiredServices,
} from "./selection.ts";

const standard = ["s3", "s3-clone", "gcs", "azure"];

// The two lists in the environment say which services are started and which must be there. The
// functions take the environment as an argument, so each case is a table row.
describe("BITSTORE_TEST_SERVICES", () => {
  test.each([
    [{}, standard],
    [{ BITSTORE_TEST_SERVICES: "" }, standard],
    [{ BITSTORE_TEST_SERVICES: "all" }, standard],
    [{ BITSTORE_TEST_SERVICES: "none" }, []],
    [{ BITSTORE_TEST_SERVICES: "gcs" }, ["gcs"]],
    [{ BITSTORE_TEST_SERVICES: " s3, gcs ,,s3 " }, ["s3", "gcs"]],
    [{ BITSTORE_TEST_REQUIRE: "toxiproxy" }, [...standard, "toxiproxy"]],
    [{ BITSTORE_TEST_REQUIRE: "s3", BITSTORE_TEST_SERVICES: "none" }, []],
  ])("%o starts %o", (environment, services) => {
    expect(requestedServices(environment)).toEqual(services);
  });

  test("an unknown name is an error that lists the known ones", () => {
    expect(() => requestedServices({ BITSTORE_TEST_SERVICES: "s4" })).toThrow(
      'BITSTORE_TEST_SERVICES: unknown service "s4"; known: s3, s3-clone, gcs, azure, toxiproxy',
    );
  });
});

describe("BITSTORE_TEST_REQUIRE", () => {
  test.each([
    [{}, []],
    [{ BITSTORE_TEST_REQUIRE: "none" }, []],
    [{ BITSTORE_TEST_REQUIRE: "all" }, standard],
    [{ BITSTORE_TEST_REQUIRE: "s3,azure" }, ["s3", "azure"]],
  ])("%o requires %o", (environment, services) => {
    expect(requiredServices(environment)).toEqual(services);
  });

  test("a misspelt name does not pass for a service nobody requires", () => {
    expect(() => requiredServices({ BITSTORE_TEST_REQUIRE: "s3,gsc" })).toThrow('"gsc"');
  });

  test("a skipped service fails the run if required, with its reasons", () => {
    const skipped = [
      { service: "gcs", reason: "PATH: no fake-gcs-server\ngo install: no go on PATH" },
      { service: "azure", reason: "npm ci: no npm on PATH" },
    ] as const;
    expect(missingRequired([], skipped)).toBeUndefined();
    expect(missingRequired(["s3"], skipped)).toBeUndefined();
    const message = missingRequired(["s3", "gcs"], skipped);
    expect(message).toContain("gcs: PATH: no fake-gcs-server\n    go install: no go on PATH");
    expect(message).not.toContain("azure");
  });
});

test("what is skipped is told unless it was never to be expected", () => {
  expect(expectedServices({ BITSTORE_TEST_SERVICES: "none" })).toEqual(standard);
  expect(describeSkips([])).toBeUndefined();
  expect(describeSkips([{ service: "s3", reason: "because" }])).toContain("s3: because");
});
