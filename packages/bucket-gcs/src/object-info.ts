import type { ObjectInfo } from "@bitstore/core";
import { stringField } from "./json-fields.ts";

/** The fields of an object that are asked for, and no others. */
export const infoFields = "name,size,generation,updated,md5Hash";

/** Reads an object's metadata; undefined where it is not what the service documents. */
export function objectInfo(resource: unknown): ObjectInfo | undefined {
  const key = stringField(resource, "name");
  const size = Number(stringField(resource, "size") ?? Number.NaN);
  if (key === undefined || !Number.isSafeInteger(size)) return undefined;
  const modifiedAt = new Date(stringField(resource, "updated") ?? "");
  return {
    key,
    size,
    version: stringField(resource, "generation"),
    modifiedAt: Number.isNaN(modifiedAt.getTime()) ? undefined : modifiedAt,
    md5: md5Of(stringField(resource, "md5Hash")),
    // Every storage class is read at once here, the one that is called ARCHIVE too.
    archived: false,
  };
}

/** Composite objects have none. */
function md5Of(base64: string | undefined): string | undefined {
  if (base64 === undefined) return undefined;
  const md5 = Buffer.from(base64, "base64");
  return md5.byteLength === 16 ? md5.toString("hex") : undefined;
}
