import type { AzureCredential } from "@bitstore/bucket-azure";
import type { GcsCredential } from "@bitstore/bucket-gcs";
import type { S3Credentials } from "@bitstore/bucket-s3";
import type { Environment } from "../file/expand.ts";
import type { Credentials } from "../store-config.ts";
import { readSecret } from "./read-secret.ts";

/** Says credentials as the S3 driver does; it asks for secrets when it needs them, and again. */
export function s3Credentials(
  credentials: readonly Credentials[],
  env: Environment,
): readonly S3Credentials[] | undefined {
  const said = credentials.flatMap((each): S3Credentials[] => {
    if (each.kind === "default" || each.kind === "anonymous") return [each.kind];
    if (each.kind === "profile") return [{ profile: each.profile }];
    if (each.kind !== "keys") return [];
    const { sessionToken } = each;
    return [
      async () => ({
        accessKeyId: await readSecret(each.accessKeyId, "accessKeyId", env),
        secretAccessKey: await readSecret(each.secretAccessKey, "secretAccessKey", env),
        sessionToken:
          sessionToken === undefined
            ? undefined
            : await readSecret(sessionToken, "sessionToken", env),
      }),
    ];
  });
  return said.length === 0 ? undefined : said;
}

/** Says credentials as the driver of Google's storage does. */
export function gcsCredentials(
  credentials: readonly Credentials[],
): readonly GcsCredential[] | undefined {
  const said = credentials.flatMap((each): GcsCredential[] => {
    if (each.kind === "default" || each.kind === "anonymous") return [each.kind];
    return each.kind === "keyFile" ? [{ keyFile: each.keyFile }] : [];
  });
  return said.length === 0 ? undefined : said;
}

/** Says credentials as the Azure driver does; secrets are read now. */
export async function azureCredentials(
  credentials: readonly Credentials[],
  env: Environment,
): Promise<readonly AzureCredential[] | undefined> {
  const said: AzureCredential[] = [];
  for (const each of credentials) {
    switch (each.kind) {
      case "default":
      case "anonymous":
        said.push({ kind: each.kind });
        break;
      case "connectionString": {
        const text = await readSecret(each.connectionString, each.kind, env);
        said.push({ kind: "connectionString", connectionString: text });
        break;
      }
      case "sharedKey": {
        const key = await readSecret(each.accountKey, "accountKey", env);
        const account = await readSecret(each.accountName, "accountName", env);
        said.push({ kind: "sharedKey", key, account });
        break;
      }
      case "sas":
        said.push({ kind: "sas", token: await readSecret(each.sas, "sas", env) });
        break;
      case "profile":
      case "keys":
      case "keyFile":
        break;
    }
  }
  return said.length === 0 ? undefined : said;
}
