import type { S3Service } from "./services.ts";

/**
 * Reads `PREFIX_ENDPOINT`, `PREFIX_ACCESS_KEY_ID`, `PREFIX_SECRET_ACCESS_KEY` and
 * `PREFIX_REGION` (by default us-east-1). Returns `undefined` where no endpoint is set; an
 * endpoint without keys is a mistake and says so.
 */
export function s3FromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  prefix: "BITSTORE_TEST_S3" | "BITSTORE_TEST_S3_CLONE",
): S3Service | { readonly unavailable: string } | undefined {
  // A variable set to nothing is how CI systems unset one.
  const read = (suffix: string): string | undefined =>
    environment[`${prefix}_${suffix}`] || undefined;
  const endpoint = read("ENDPOINT");
  if (endpoint === undefined) return undefined;
  const accessKeyId = read("ACCESS_KEY_ID");
  const secretAccessKey = read("SECRET_ACCESS_KEY");
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const wanted = `${prefix}_ACCESS_KEY_ID and ${prefix}_SECRET_ACCESS_KEY`;
    return { unavailable: `${prefix}_ENDPOINT is set, and needs ${wanted}` };
  }
  return {
    endpoint: endpoint.replace(/\/+$/, ""),
    region: read("REGION") ?? "us-east-1",
    accessKeyId,
    secretAccessKey,
  };
}
