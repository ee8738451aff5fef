import { Readable } from "node:stream";
import { GetObjectCommand, type GetObjectCommandOutput } from "@aws-sdk/client-s3";
import {
  checkRange,
  type Content,
  isStoreError,
  isWhole,
  type ReadOptions,
  type StoreError,
} from "@bitstore/core";
import { answerError } from "./answer-error.ts";
import { answeredRange, rangeHeader } from "./answered-range.ts";
import { etagOf, versionOf } from "./entity-tag.ts";
import { type BodyFailure, destroyBody, incomingBody } from "./incoming-body.ts";
import { checkCall, type S3Context } from "./s3-context.ts";
import { type ErrorContext, toStoreError } from "./to-store-error.ts";

/** Opens an object's bytes. See the contract of `Bucket.read`. */
export async function readObject(
  context: S3Context,
  key: string,
  options: ReadOptions,
): Promise<Content | undefined> {
  const { settings, session, presence } = context;
  const { signal, ifVersion } = options;
  checkCall(context, key, "read", signal);
  checkRange(options.range, "read", key);
  // The whole range is asked without a header, or the empty object would refuse it.
  const range = isWhole(options.range) ? undefined : options.range;
  const about: ErrorContext = { source: settings.name, subject: key, signal };
  const ifMatch = ifVersion === undefined ? undefined : etagOf(ifVersion);
  if (ifVersion !== undefined && ifMatch === undefined) throw changed(about);
  const input = {
    ...settings.inputs.bucket,
    ...settings.inputs.customerKey,
    Key: key,
    ...(range === undefined ? {} : { Range: rangeHeader(range) }),
    ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
  };
  try {
    const answer = await session.ask({
      operation: "read",
      subject: key,
      signal,
      send: (client, http) => client.send(new GetObjectCommand(input), http),
    });
    return contentOf(answer, { range, ifVersion }, about);
  } catch (error) {
    if (!isStoreError(error, "NOT_FOUND")) throw error;
    // Some clones answer a plain 404, which may be about the bucket.
    if (error.serviceCode !== "NoSuchKey") await presence.check("read", key, signal);
    return undefined;
  }
}

type Asked = Pick<ReadOptions, "range" | "ifVersion">;

function contentOf(answer: GetObjectCommandOutput, asked: Asked, about: ErrorContext): Content {
  const { Body: stream } = answer;
  if (!(stream instanceof Readable)) {
    throw answerError("INTERNAL", "read", about, "the request handler gave no Node stream");
  }
  const version = versionOf(answer.ETag);
  const found = answeredRange(asked.range, {
    status: answer.$metadata.httpStatusCode ?? 0,
    contentRange: answer.ContentRange,
    contentLength: answer.ContentLength,
  });
  const problem = problemOf(found, version, asked, about);
  if (problem !== undefined) {
    destroyBody(stream);
    throw problem;
  }
  if (found === "past-end" || "problem" in found) throw changed(about);
  const { body, bytes, release } = incomingBody(stream, found, bodyFailure(found.length, about));
  return {
    size: found.size,
    range: found.range,
    source: about.source ?? "",
    role: "source",
    verified: false,
    version,
    body,
    bytes,
    async [Symbol.asyncDispose]() {
      release();
      // Ends a loop that was left in the middle; one that runs now sees the stream break.
      void body[Symbol.asyncIterator]().return?.();
    },
  };
}

function problemOf(
  found: ReturnType<typeof answeredRange>,
  version: string | undefined,
  asked: Asked,
  about: ErrorContext,
): StoreError | undefined {
  // A service that ignores the condition answers with the bytes of now.
  if (asked.ifVersion !== undefined && version !== asked.ifVersion) return changed(about);
  if (found === "past-end") {
    const message = "the range starts at or past the end of the object";
    return answerError("RANGE_NOT_SATISFIABLE", "read", about, message);
  }
  if ("problem" in found) return answerError("UNAVAILABLE", "read", about, found.problem);
  return undefined;
}

function changed(about: ErrorContext): StoreError {
  const message = "the object is not at the version that was asked for";
  return answerError("PRECONDITION_FAILED", "read", about, message);
}

function bodyFailure(length: number | undefined, about: ErrorContext): BodyFailure {
  return (failure) => {
    if ("error" in failure) return toStoreError(failure.error, "read", about);
    const bytes = `${failure.endedAfter} of ${length ?? "?"} bytes`;
    const message = `the body ended after ${bytes}; read again`;
    return toStoreError(answerError("UNAVAILABLE", "read", about, message), "read", about);
  };
}
