import { type GcsBucketOptions, gcsBucket } from "@bitstore/bucket-gcs";
import { describe, expect, test } from "vitest";
import { resolveEndpoint } from "../src/endpoint.ts";

// Options are judged when the bucket is made, with a clause that names the option; and where the
// requests go is a pure function of the option and the environment.

describe("options that can't be used", () => {
  const key = Buffer.alloc(31).toString("base64");
  const cases: readonly [string, Partial<GcsBucketOptions>][] = [
    ["bucket", { bucket: "" }],
    ["bucket", { bucket: "a/b" }],
    ["bucket", { bucket: "../b" }],
    ["partBytes", { partBytes: 0 }],
    ["partBytes", { partBytes: 1_000_000 }],
    ["partBytes", { partBytes: 2 ** 31 }],
    ["listPageSize", { listPageSize: 0 }],
    ["listPageSize", { listPageSize: 1001 }],
    ["connectionsMax", { connectionsMax: 0.5 }],
    ["credentials", { credentials: [] }],
    ["encryptionKey", { encryptionKey: key }],
    ["kmsKeyName", { kmsKeyName: "k", encryptionKey: Buffer.alloc(32).toString("base64") }],
    ["endpoint", { endpoint: "storage.example.com" }],
    ["endpoint", { endpoint: "ftp://storage.example.com" }],
    ["endpoint", { endpoint: "https://user:hunter2@storage.example.com" }],
    ["endpoint", { endpoint: "https://storage.example.com/?token=hunter2" }],
  ];
  for (const [name, options] of cases) {
    test(`${name}: ${JSON.stringify(options)}`, () => {
      const made = (): unknown => gcsBucket({ bucket: "b", environment: {}, ...options });
      expect(made).toThrowError(expect.objectContaining({ code: "CONFIG_INVALID" }));
      expect(made).toThrowError(name);
      expect(made).not.toThrowError(/hunter2|AAAA/);
    });
  }

  test("an emulator's variable that is no address", () => {
    const environment = { STORAGE_EMULATOR_HOST: "http://" };
    expect(() => gcsBucket({ bucket: "b", environment })).toThrowError("STORAGE_EMULATOR_HOST");
  });
});

describe("resolveEndpoint", () => {
  const cases: readonly [string | undefined, Record<string, string>, object][] = [
    [undefined, {}, { origin: "https://storage.googleapis.com", trust: "google", basePath: "" }],
    [
      undefined,
      { GOOGLE_CLOUD_UNIVERSE_DOMAIN: "apis.example" },
      { origin: "https://storage.apis.example", trust: "google" },
    ],
    [
      undefined,
      { STORAGE_EMULATOR_HOST: "http://127.0.0.1:4443" },
      { origin: "http://127.0.0.1:4443", port: "4443", trust: "emulator", basePath: "" },
    ],
    [
      undefined,
      { STORAGE_EMULATOR_HOST: "localhost:4443" },
      { origin: "http://localhost:4443", trust: "emulator" },
    ],
    [
      undefined,
      { STORAGE_EMULATOR_HOST: "http://[::1]:4443/storage/v1/" },
      { hostname: "::1", trust: "emulator", basePath: "" },
    ],
    [undefined, { STORAGE_EMULATOR_HOST: "" }, { trust: "google" }],
    [
      "https://private.googleapis.com",
      { STORAGE_EMULATOR_HOST: "localhost:4443" },
      { origin: "https://private.googleapis.com", trust: "google", port: undefined },
    ],
    ["http://private.googleapis.com", {}, { trust: "foreign" }],
    ["https://googleapis.com.example", {}, { trust: "foreign" }],
    ["http://proxy.example/gcs/", {}, { trust: "foreign", basePath: "/gcs" }],
  ];
  for (const [option, environment, expected] of cases) {
    test(`${option} in ${JSON.stringify(environment)}`, () => {
      expect(resolveEndpoint(option, environment)).toMatchObject(expected);
    });
  }
});
