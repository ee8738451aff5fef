import { expect, test } from "vitest";
import { azurite, parseAzureConnectionString } from "./azurite.ts";
import { environmentOf, shellExport } from "./environment-of.ts";
import { fakeGcs } from "./fake-gcs.ts";
import { minio } from "./minio.ts";
import { toxiproxy } from "./toxiproxy.ts";
import { versitygw } from "./versitygw.ts";

// The variables that run.ts prints are the ones that the finder reads: what goes out for each
// service comes back the same.
test("the printed variables lead back to the same services", () => {
  const s3 = minio.endpointAt(1);
  const s3Clone = versitygw.endpointAt(2);
  const gcs = fakeGcs.endpointAt(3);
  const azure = azurite.endpointAt(4);
  const proxy = toxiproxy.endpointAt(5);
  const variables = environmentOf({
    s3,
    s3Clone,
    gcs,
    azure,
    toxiproxy: proxy,
    skipped: [],
  });
  expect(minio.fromEnvironment(variables)).toEqual(s3);
  expect(versitygw.fromEnvironment(variables)).toEqual(s3Clone);
  expect(fakeGcs.fromEnvironment(variables)).toEqual(gcs);
  expect(azurite.fromEnvironment(variables)).toEqual(azure);
  expect(toxiproxy.fromEnvironment(variables)).toEqual(proxy);
});

test("without services there are no variables, and without variables no services", () => {
  expect(environmentOf({ skipped: [] })).toEqual({});
  for (const recipe of [minio, versitygw, fakeGcs, azurite, toxiproxy]) {
    expect(recipe.fromEnvironment({})).toBeUndefined();
  }
});

test("a connection string of the real service has its endpoint worked out", () => {
  const connectionString =
    "DefaultEndpointsProtocol=https;AccountName=me;AccountKey=a+b==;EndpointSuffix=core.test";
  expect(parseAzureConnectionString(connectionString)).toEqual({
    connectionString,
    endpoint: "https://me.blob.core.test",
    accountName: "me",
    accountKey: "a+b==",
  });
  expect(parseAzureConnectionString("UseDevelopmentStorage=true")).toEqual({
    unavailable: "the connection string has no AccountName or no AccountKey",
  });
});

test("an export survives the shell's quoting", () => {
  expect(shellExport("A", "b'c;$d")).toBe(`export A='b'\\''c;$d'`);
});
