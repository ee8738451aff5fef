import { PutObjectCommand } from "@aws-sdk/client-s3";
import {
  type Body,
  checkPutOptions,
  checkSize,
  linkedAbort,
  type PutOptions,
  type PutOutcome,
} from "@bitstore/core";
import { bodyReader } from "./body-reader.ts";
import { checkLength, checkStored, onePut, outcomeOf, type Put } from "./one-put.ts";
import { partPlan } from "./part-plan.ts";
import { checkCall, type S3Context } from "./s3-context.ts";
import { settleReset } from "./settle-reset.ts";
import { uploadInParts } from "./upload-in-parts.ts";

/** Stores an object. See the contract of `Bucket.put`. */
export async function putObject(
  context: S3Context,
  key: string,
  body: Body,
  options: PutOptions,
): Promise<PutOutcome> {
  const { name, partBytes } = context.settings;
  checkCall(context, key, "put", options.signal);
  checkPutOptions(options, key, name);
  const put = onePut(context, key, options);
  const size = body instanceof Uint8Array ? body.byteLength : options.size;
  if (body instanceof Uint8Array) checkSize(body.byteLength, options.size, key, name);
  checkLength(context, put, size ?? 0, false);
  // Also aborted when a part fails, so that nobody waits for a body that hangs.
  const abort = linkedAbort(options.signal);
  const reader = bodyReader(body, abort.signal, key);
  try {
    const plan = partPlan(partBytes, size);
    const first = await reader.read(plan.bytesOf(1));
    checkLength(context, put, reader.bytesRead, !first.isLast);
    if (!first.isLast) return await uploadInParts(context, put, { reader, plan, first, abort });
    checkSize(reader.bytesRead, options.size, key, name);
    return await outcomeOf(context, put, async () => {
      const { bytes } = first;
      await putWhole(context, put, bytes).catch((error) => settleReset(context, put, bytes, error));
    });
  } finally {
    reader.close();
    abort.release();
  }
}

async function putWhole(context: S3Context, put: Put, bytes: Uint8Array): Promise<void> {
  const { inputs } = context.settings;
  const command = {
    ...inputs.bucket,
    ...inputs.customerKey,
    ...inputs.storing,
    ...put.condition,
    Key: put.key,
    ContentType: put.contentType,
    ContentLength: bytes.byteLength,
    Body: bytes,
  };
  const { ETag } = await context.session.ask({
    operation: "put",
    subject: put.key,
    signal: put.options.signal,
    send: (client, http) => client.send(new PutObjectCommand(command), http),
  });
  checkStored(context, put, ETag);
}
