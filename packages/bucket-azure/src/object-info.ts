import type { BlobGetPropertiesResponse, BlobItem } from "@azure/storage-blob";
import type { ObjectInfo } from "@bitstore/core";
import { versionOf } from "./versions.ts";

/** Name of the metadata that tells how this driver put an object. */
export const putMark = "bitstoreput";

/** Begins the mark of an object that went in one request: its MD5 is the service's own. */
const wholeMark = "whole-";

/** Makes the mark of a put: how it went, and a name by which its writer knows it again. */
export function markOf(how: "whole" | "blocks", uploadId: string): string {
  return `${how}-${uploadId}`;
}

/**
 * Tells of an object what HEAD answers. The service computes an MD5 only of what is put in one
 * request; any other is a claim of whoever wrote the object. The answer does not say which it is,
 * so only the MD5 of an object with this driver's mark is vouched for.
 */
export function infoOfHead(key: string, head: BlobGetPropertiesResponse): ObjectInfo {
  const isOwn = head.metadata?.[putMark]?.startsWith(wholeMark) === true;
  return {
    key,
    size: head.contentLength ?? 0,
    version: versionOf(head.etag),
    modifiedAt: head.lastModified,
    md5: isOwn && head.contentMD5 !== undefined ? hex(head.contentMD5) : undefined,
    archived: head.accessTier === "Archive",
  };
}

/** Tells of an object what a list says, which has no marks and so vouches for no MD5. */
export function infoOfItem({ name, properties }: BlobItem): ObjectInfo {
  return {
    key: name,
    size: properties.contentLength ?? 0,
    version: versionOf(properties.etag),
    modifiedAt: properties.lastModified,
    md5: undefined,
    archived: properties.accessTier === "Archive",
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
