import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import type { CallOptions } from "@bitstore/core";
import { headObject } from "./head-object.ts";
import type { S3Context } from "./s3-context.ts";

/**
 * Deletes an object. S3 answers 204 whether there was one or not, so HEAD is asked first; of two
 * that delete at once both may hear that there was one.
 */
export async function deleteObject(
  context: S3Context,
  key: string,
  options: CallOptions,
): Promise<boolean> {
  const { settings, session } = context;
  const { signal } = options;
  if ((await headObject(context, key, options, "delete")) === undefined) return false;
  await session.ask({
    operation: "delete",
    subject: key,
    signal,
    send: (client, http) =>
      client.send(new DeleteObjectCommand({ ...settings.inputs.bucket, Key: key }), http),
  });
  return true;
}
