import {
  type BlobPutOptions,
  type Body,
  type Bytes,
  defaultAlgorithm,
  openBody,
  type PutResult,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import type { Api } from "../wire/api.ts";
import { ask } from "../wire/ask.ts";
import { fieldsOf } from "../wire/fields.ts";
import { problemError } from "../wire/problem.ts";
import { readJson } from "../wire/read-json.ts";
import { keepReceipt } from "../wire/receipt.ts";
import { repeat } from "../wire/repeat.ts";
import type { Asked } from "../wire/transport.ts";

/**
 * Puts a blob: by PUT where its digest is known, so that the server refuses other bytes, by POST where
 * the server is to name it. A body is opened again for each attempt; one that threw is not.
 */
export async function putBlob(
  api: Api,
  body: Body,
  options: BlobPutOptions = {},
): Promise<PutResult> {
  const { digest, algorithm = defaultAlgorithm, size, signal } = options;
  const asked: Asked = { operation: "put", subject: digest ?? algorithm, source: api.name };
  throwIfAborted(signal, "put", asked.subject);
  const upload = uploadOf(body, size, asked);
  const mayRepeat = (): boolean => upload.thrown() === undefined;
  return await repeat(api, { operation: "put", signal, mayRepeat }, async () => {
    const answer = await ask(api, {
      ...(digest === undefined
        ? { method: "POST", path: "/v1/blobs", query: { algorithm } }
        : { method: "PUT", path: `/v1/blobs/${digest}` }),
      headers: {
        "content-type": "application/octet-stream",
        ...(upload.length === undefined ? {} : { "content-length": `${upload.length}` }),
      },
      body: upload.open(),
      operation: "put",
      subject: asked.subject,
      signal,
    }).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      throw upload.thrown()?.error ?? error;
    });
    if (answer.status !== 200 && answer.status !== 201) throw await problemError(answer);
    const fields = fieldsOf(await readJson(answer), asked);
    const stored = { digest: fields.digest("digest"), size: fields.whole("size") };
    if (stored.size !== upload.sent() || (digest !== undefined && stored.digest !== digest)) {
      const message = "the server says that it stored something else";
      throw new StoreError({ code: "INTERNAL", ...asked, message });
    }
    keepReceipt(api, answer, stored.digest);
    return { ...stored, outcome: answer.status === 201 ? "created" : "existed" };
  });
}

interface Upload {
  readonly length: number | undefined;
  /** Opens the bytes from their start. */
  open(): Uint8Array | Bytes;
  /** Bytes of the last pass. */
  sent(): number;
  /** What the body itself failed with. */
  thrown(): { readonly error: unknown } | undefined;
}

function uploadOf(body: Body, size: number | undefined, asked: Asked): Upload {
  const wrongSize = (got: string): StoreError => {
    const message = `the body has ${got} bytes where ${size} were declared`;
    return new StoreError({ code: "INVALID_ARGUMENT", ...asked, message });
  };
  if (body instanceof Uint8Array) {
    const length = body.byteLength;
    if (size !== undefined && size !== length) throw wrongSize(`${length}`);
    return { length, open: () => body, sent: () => length, thrown: () => undefined };
  }
  let sent = 0;
  let thrown: { readonly error: unknown } | undefined;
  async function* open(): AsyncGenerator<Uint8Array, void, void> {
    sent = 0;
    try {
      for await (const chunk of openBody(body)) {
        sent += chunk.byteLength;
        if (size !== undefined && sent > size) throw wrongSize(`${sent} or more`);
        yield chunk;
      }
      // Thrown before the end is sent, so that the server takes the request for broken off.
      if (size !== undefined && sent !== size) throw wrongSize(`${sent}`);
    } catch (error) {
      thrown = { error };
      throw error;
    }
  }
  return { length: size, open, sent: () => sent, thrown: () => thrown };
}
