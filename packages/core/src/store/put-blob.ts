import { createHash } from "node:crypto";
import type { Bucket, ObjectInfo } from "../bucket.ts";
import { type Body, openBody } from "../bytes.ts";
import type { Digest } from "../digest.ts";
import { isStoreError, StoreError } from "../errors.ts";
import type { Layout } from "../layout.ts";
import type { BlobPutOptions, PutResult } from "../source.ts";
import { verifyBytes, verifyStream } from "../verify.ts";
import { ageMs, type GcFormat } from "./format.ts";
import type { Quarantine } from "./quarantine.ts";
import { touched } from "./touched.ts";

interface CheckedBody {
  readonly body: Body;
  /** Bytes of the last pass over the body. */
  size(): number;
  /** Whether a pass came to its end, and all of it was what the digest names. */
  isProven(): boolean;
}

/** One put under way. */
interface Put {
  readonly key: string;
  readonly digest: Digest;
  readonly gc: GcFormat | undefined;
  readonly size: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: () => void;
}

/** Above this size a put asks first whether the object is there, rather than send it in vain. */
const askFirstBytes = 2 ** 20;

/** Puts bytes under the digest that they must have, into a store with that name. */
export type PutBlob = (
  body: Body,
  digest: Digest,
  options: BlobPutOptions,
  gc: GcFormat | undefined,
) => Promise<PutResult>;

/**
 * Makes the put of a store. It stores nothing where the bytes don't match, and leaves an object that
 * is there and right as it is, unless it is older than half of the grace of a garbage collector: then
 * it is written again under its version, or what is acknowledged now could be swept the next moment.
 * One that is wrong is put into quarantine, and then replaced under its version.
 */
export function blobPut(
  bucket: Bucket,
  layout: Layout,
  name: string,
  quarantine: Quarantine,
): PutBlob {
  const { capabilities } = bucket;

  /** Wraps a body so that a bucket never sees the end of one that the digest does not name. */
  async function checkedBody(body: Body, digest: Digest, size?: number): Promise<CheckedBody> {
    if (body instanceof Uint8Array) {
      if (size !== undefined && size !== body.byteLength)
        throw wrongSize(name, size, body.byteLength);
      await verifyBytes(body, digest, "put", name);
      return { body, size: () => body.byteLength, isProven: () => true };
    }
    let sent = 0;
    let isProven = false;
    const stream = async function* (): AsyncGenerator<Uint8Array, void, void> {
      sent = 0;
      for await (const chunk of verifyStream(openBody(body), digest, "put", name, size)) {
        sent += chunk.byteLength;
        yield chunk;
      }
      isProven = true;
    };
    return { body: stream, size: () => sent, isProven: () => isProven };
  }

  /**
   * Decides what an object that is in the way is: the right bytes, gone again, or to be replaced.
   * Others may renew, sweep or replace it meanwhile: then it is looked at once more.
   */
  async function settle(put: Put, body: Body, checked: CheckedBody): Promise<PutResult> {
    for (let round = 1; ; round += 1) {
      try {
        const result = await settleOnce(put, body, checked);
        if (result !== undefined) return result;
      } catch (error) {
        const hasChanged = isStoreError(error, "PRECONDITION_FAILED");
        if (!hasChanged || !capabilities.replaceIfMatch || round >= roundsMax) throw error;
      }
      if (round >= roundsMax) throw restless(put.digest, name);
    }
  }

  async function settleOnce(
    put: Put,
    body: Body,
    checked: CheckedBody,
  ): Promise<PutResult | undefined> {
    const { key, digest, size, signal } = put;
    const there = await bucket.head(key, { signal });
    // The body as it came: where it is wrong it must not be taken for the object. A stream that was
    // found right on its way is not wanted again: it may have come once only.
    const isNeeded = body instanceof Uint8Array || !checked.isProven();
    if (there !== undefined && (await isRight(there, put, isNeeded ? body : undefined))) {
      return await acknowledged(put, there, body);
    }
    // It may be right after all, or gone: then it is looked at once more.
    if (there !== undefined && (await quarantine.condemn(there, put)) === "cleared") {
      return undefined;
    }
    const condition = there === undefined ? { ifAbsent: true } : { ifVersion: there.version };
    const outcome = await bucket.put(key, checked.body, { size, signal, ...condition });
    // Somebody else was there first again: what is there now has to be looked at once more.
    if (outcome === "existed") return undefined;
    return { digest, size: checked.size(), outcome: "created" };
  }

  /** Renews a right object where that is due; undefined where it has changed or gone meanwhile. */
  async function acknowledged(
    { key, digest, gc, signal }: Put,
    there: ObjectInfo,
    body: Body,
  ): Promise<PutResult | undefined> {
    const result: PutResult = { digest, size: there.size, outcome: "existed" };
    if (gc === undefined) return result;
    // Taken now and not when it was looked at: to check a large one takes its time.
    const age = ageMs(bucket, there);
    if (age !== undefined && age < gc.graceMs / 2) return result;
    const ifVersion = capabilities.replaceIfMatch ? there.version : undefined;
    const checked = await checkedBody(body, digest, there.size);
    try {
      await bucket.put(key, checked.body, { size: there.size, ifVersion, signal });
      return result;
    } catch (error) {
      if (isStoreError(error, "PRECONDITION_FAILED") && ifVersion !== undefined) return undefined;
      throw error;
    }
  }

  /**
   * Tells whether an object holds what the digest names, by the cheapest proof there is, and that the
   * body does, unless it is left out.
   */
  async function isRight(info: ObjectInfo, put: Put, body: Body | undefined): Promise<boolean> {
    const { digest, signal, onProgress } = put;
    if (info.md5 !== undefined && body !== undefined) {
      const md5 = createHash("md5");
      let size = 0;
      for await (const chunk of verifyStream(openBody(body), digest, "put", name)) {
        md5.update(chunk);
        size += chunk.byteLength;
      }
      return size === info.size && md5.digest("hex") === info.md5;
    }
    const content = await bucket.read(info.key, { ifVersion: info.version, signal });
    if (content === undefined) return false;
    try {
      const read = touched(content.body, onProgress);
      for await (const _ of verifyStream(read, digest, "put", name));
      // What was put must be what the digest names as well, or a wrong body would be acknowledged.
      if (body !== undefined) {
        for await (const _ of verifyStream(openBody(body), digest, "put"));
      }
      return true;
    } catch (error) {
      if (isStoreError(error, "DIGEST_MISMATCH") && error.source === name) return false;
      throw error;
    }
  }

  /** Looks whether a large body can be spared; undefined where it has to be sent. */
  async function spared(put: Put, body: Body): Promise<PutResult | undefined> {
    if ((put.size ?? askFirstBytes) < askFirstBytes) return undefined;
    const there = await bucket.head(put.key, { signal: put.signal });
    if (there === undefined) return undefined;
    try {
      // Only a right copy spares the upload; the body is still the caller's word, so it is checked.
      return (await isRight(there, put, body)) ? await acknowledged(put, there, body) : undefined;
    } catch (error) {
      // It has changed meanwhile, which the put that follows settles.
      if (isStoreError(error, "PRECONDITION_FAILED")) return undefined;
      throw error;
    }
  }

  return async (body, digest, options, gc) => {
    const size = body instanceof Uint8Array ? body.byteLength : options.size;
    const { onProgress = () => undefined } = options;
    const put = { key: layout.key(digest), digest, gc, size, signal: options.signal, onProgress };
    const { key, signal } = put;
    const there = await spared(put, body);
    if (there !== undefined) return there;
    const checked = await checkedBody(body, digest, options.size);
    const ifAbsent = capabilities.createIfAbsent;
    if ((await bucket.put(key, checked.body, { size, signal, ifAbsent })) !== "existed") {
      return { digest, size: checked.size(), outcome: "created" };
    }
    return await settle(put, body, checked);
  };
}

/** Rounds in which others change the same object again and again before a put gives up. */
const roundsMax = 8;

function restless(digest: Digest, source: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "put",
    subject: digest,
    source,
    message: `others changed the object ${roundsMax} times meanwhile; put it again`,
  });
}

/** Makes the error of a body that is not as long as its caller said. */
export function wrongSize(source: string, declared: number, actual: number): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "put",
    source,
    message: `the body has ${actual} bytes where ${declared} were declared`,
  });
}
