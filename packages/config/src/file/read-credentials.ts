import { resolve } from "node:path";
import { ok, type Parsed, wrong } from "../result.ts";
import type { Credentials } from "../store-config.ts";
import { rebaseReference, refersToSecret } from "../url/secret-text.ts";
import type { StoreKind } from "../url/store-url.ts";
import type { Tree } from "./tree.ts";

/** Which stores each kind of credentials opens. */
const kindsOf: Readonly<Record<Credentials["kind"], readonly StoreKind[]>> = {
  default: ["s3", "gs", "az"],
  anonymous: ["s3", "gs", "az"],
  profile: ["s3"],
  keys: ["s3"],
  keyFile: ["gs"],
  connectionString: ["az"],
  sharedKey: ["az"],
  sas: ["az"],
};

const secretFields: ReadonlySet<string> = new Set([
  "secretAccessKey",
  "sessionToken",
  "connectionString",
  "accountKey",
  "sas",
]);

/**
 * Reads one entry of `credentials`, whose shape was checked. Secrets must be references, unless they
 * were `expanded` from the environment; paths start from `base`.
 */
export function readCredentials(
  entry: Tree,
  kind: StoreKind,
  base: string,
  expanded: (field: string) => boolean,
): Parsed<Credentials> {
  const fields: Record<string, string> = {};
  if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) {
    for (const [field, value] of Object.entries(entry)) {
      const text = typeof value === "string" ? value : "";
      if (text === "") return wrong(`${field} is empty`);
      if (secretFields.has(field) && !refersToSecret(text) && !expanded(field)) {
        return wrong(`${field} is a secret; write where it is, env:NAME or file:PATH`);
      }
      fields[field] = field === "keyFile" ? resolve(base, text) : rebaseReference(text, base);
    }
  }
  const credentials = typeof entry === "string" ? plain(entry) : fromFields(fields);
  if (!kindsOf[credentials.kind].includes(kind)) {
    const known = kindsOf[credentials.kind].join(", ");
    return wrong(`${credentials.kind} opens ${known} stores, not this one`);
  }
  return ok(credentials);
}

function plain(entry: string): Credentials {
  return { kind: entry === "anonymous" ? "anonymous" : "default" };
}

function fromFields(fields: Readonly<Record<string, string>>): Credentials {
  const field = (name: string): string => fields[name] ?? "";
  const { sessionToken } = fields;
  if ("profile" in fields) return { kind: "profile", profile: field("profile") };
  if ("keyFile" in fields) return { kind: "keyFile", keyFile: field("keyFile") };
  if ("sas" in fields) return { kind: "sas", sas: field("sas") };
  if ("connectionString" in fields) {
    return { kind: "connectionString", connectionString: field("connectionString") };
  }
  if ("accountKey" in fields) {
    return {
      kind: "sharedKey",
      accountName: field("accountName"),
      accountKey: field("accountKey"),
    };
  }
  return {
    kind: "keys",
    accessKeyId: field("accessKeyId"),
    secretAccessKey: field("secretAccessKey"),
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}
