import {
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
} from "@aws-sdk/client-s3";
import { type CallOptions, isStoreError, type ObjectInfo } from "@bitstore/core";
import { answerError } from "./answer-error.ts";
import { isArchived } from "./archived.ts";
import { md5Of, versionOf } from "./entity-tag.ts";
import { destroyBody } from "./incoming-body.ts";
import { checkCall, type S3Context } from "./s3-context.ts";
import type { SendOptions } from "./s3-session.ts";

/** Asks for what is known of an object. See the contract of `Bucket.head`. */
export async function headObject(
  context: S3Context,
  key: string,
  options: CallOptions,
  operation = "head",
): Promise<ObjectInfo | undefined> {
  const { settings, session, presence } = context;
  const { signal } = options;
  checkCall(context, key, operation, signal);
  const input = { ...settings.inputs.bucket, ...settings.inputs.customerKey, Key: key };
  try {
    const answer = await session.ask({
      operation,
      subject: key,
      signal,
      send: (client, http) => client.send(new HeadObjectCommand(input), http),
      name: (client, http) => readOneByte(client, input, http),
    });
    return infoOf(context, key, answer, operation);
  } catch (error) {
    if (!isStoreError(error, "NOT_FOUND")) throw error;
    await presence.check(operation, key, signal);
    return undefined;
  }
}

/** A read of the same object has a body to name its failure in. */
async function readOneByte(
  client: S3Client,
  input: ConstructorParameters<typeof GetObjectCommand>[0],
  http: SendOptions | undefined,
): Promise<void> {
  const answer = await client.send(new GetObjectCommand({ ...input, Range: "bytes=0-0" }), http);
  destroyBody(answer.Body);
}

function infoOf(
  { settings }: S3Context,
  key: string,
  answer: HeadObjectCommandOutput,
  operation: string,
): ObjectInfo {
  const { ContentLength: size, ETag, LastModified } = answer;
  if (size === undefined) {
    const about = { source: settings.name, subject: key };
    throw answerError("UNAVAILABLE", operation, about, "the answer does not say how long it is");
  }
  const version = versionOf(ETag);
  return {
    key,
    size,
    version,
    modifiedAt: LastModified,
    md5: settings.etagsAreMd5 ? md5Of(version, answer) : undefined,
    archived: isArchived(answer),
  };
}
