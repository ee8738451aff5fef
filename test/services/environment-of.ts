import type { TestServices } from "./services.ts";

/**
 * Returns the variables that make a test run use these services, in the names that the
 * finder reads.
 */
export function environmentOf(services: TestServices): Readonly<Record<string, string>> {
  const { s3, s3Clone, gcs, azure, toxiproxy } = services;
  const variables: Record<string, string> = {};
  for (const [prefix, service] of [
    ["BITSTORE_TEST_S3", s3],
    ["BITSTORE_TEST_S3_CLONE", s3Clone],
  ] as const) {
    if (service === undefined) continue;
    variables[`${prefix}_ENDPOINT`] = service.endpoint;
    variables[`${prefix}_REGION`] = service.region;
    variables[`${prefix}_ACCESS_KEY_ID`] = service.accessKeyId;
    variables[`${prefix}_SECRET_ACCESS_KEY`] = service.secretAccessKey;
  }
  if (gcs !== undefined) {
    variables["BITSTORE_TEST_GCS_ENDPOINT"] = gcs.endpoint;
    variables["BITSTORE_TEST_GCS_PROJECT"] = gcs.projectId;
  }
  if (azure !== undefined) {
    variables["BITSTORE_TEST_AZURE_CONNECTION_STRING"] = azure.connectionString;
  }
  if (toxiproxy !== undefined) variables["BITSTORE_TEST_TOXIPROXY_URL"] = toxiproxy.apiUrl;
  return variables;
}

/** Returns a line for the shell that sets a variable to exactly this value. */
export function shellExport(name: string, value: string): string {
  return `export ${name}='${value.replaceAll("'", `'\\''`)}'`;
}
