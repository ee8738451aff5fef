import {
  abortedError,
  type Bytes,
  type Clock,
  linkedAbort,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import type { Api } from "./api.ts";
import type { Asked, WireRequest } from "./transport.ts";

export interface Question {
  readonly method: WireRequest["method"];
  /** From `/v1` on, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | Bytes | undefined;
  readonly operation: string;
  readonly subject: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a byte of the answer; the client's own if left out. */
  readonly stallMs?: number | undefined;
}

/** An answer, whatever its status. It is read to its end, left early, or discarded. */
export interface Answer {
  readonly status: number;
  header(name: string): string | undefined;
  readonly asked: Asked;
  /** Yields the body once; a body that is shorter than declared ends with UNAVAILABLE. */
  chunks(): AsyncGenerator<Uint8Array, void, void>;
  /** Ends the answer, wherever it is, with its connection. */
  discard(): void;
  /** Reads a short rest to its end, so that the connection is used again. Never rejects. */
  drain(): Promise<void>;
}

const drainBytesMax = 64 * 1024;

/**
 * Asks once and resolves as soon as the answer's headers are here. Rejects with ABORTED, TIMEOUT, and
 * UNAVAILABLE where there is no answer, and where the server sends us elsewhere.
 */
export async function ask(api: Api, question: Question): Promise<Answer> {
  const { operation, subject, method, signal, body } = question;
  const asked: Asked = { operation, subject, source: api.name };
  throwIfAborted(signal, operation, subject);
  const token = await api.token();
  throwIfAborted(signal, operation, subject);
  const linked = linkedAbort(signal);
  const isWrite = method !== "GET" && method !== "HEAD";
  const answerMs = isWrite ? api.limits.writeAnswerMs : api.limits.answerMs;
  const wait = stallWatch(api.clock, () => {
    const message = `no answer came for ${answerMs} ms`;
    linked.abort(new StoreError({ code: "TIMEOUT", ...asked, message }));
  });
  try {
    wait.begin(answerMs + api.limits.connectMs);
    const answer = await api.transport.send({
      ...asked,
      method,
      url: urlOf(api, question),
      headers: {
        ...api.headers(),
        ...question.headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: watched(body, wait, answerMs) }),
      signal: linked.signal,
    });
    wait.end();
    return answerOf(api, question, asked, answer, linked);
  } catch (error) {
    wait.end();
    linked.release();
    throw ownError(error, linked.signal, asked);
  }
}

function answerOf(
  { clock, limits }: Api,
  question: Question,
  asked: Asked,
  answer: Awaited<ReturnType<Api["transport"]["send"]>>,
  linked: ReturnType<typeof linkedAbort>,
): Answer {
  const { status } = answer;
  const stallMs = question.stallMs ?? limits.stallMs;
  const declared = declaredLength(answer, question.method);
  const discard = (): void => {
    linked.abort(new StoreError({ code: "ABORTED", ...asked, message: "disposed" }));
    linked.release();
    // A body that nobody reads still fails, and nobody would hear of that.
    const body = answer.body[Symbol.asyncIterator]();
    body
      .next()
      .then(
        () => body.return?.(),
        () => undefined,
      )
      .catch(() => undefined);
  };
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    const wait = stallWatch(clock, () => {
      const message = `no byte came for ${stallMs} ms`;
      linked.abort(new StoreError({ code: "TIMEOUT", ...asked, message }));
    });
    let seen = 0;
    let isOver = false;
    try {
      wait.begin(stallMs);
      for await (const chunk of answer.body) {
        wait.end();
        throwIfAborted(linked.signal, asked.operation, asked.subject);
        seen += chunk.byteLength;
        yield chunk;
        wait.begin(stallMs);
      }
      isOver = true;
    } catch (error) {
      throw ownError(error, linked.signal, asked);
    } finally {
      wait.end();
      if (!isOver) linked.abort();
      linked.release();
    }
    if (declared !== undefined && seen !== declared) {
      const message = `the body has ${seen} bytes where ${declared} were declared`;
      throw new StoreError({ code: "UNAVAILABLE", ...asked, message });
    }
  }
  async function drain(): Promise<void> {
    let left = drainBytesMax;
    try {
      for await (const chunk of chunks()) {
        left -= chunk.byteLength;
        if (left < 0) return;
      }
    } catch {
      // Of what is thrown away, nobody asks what it failed of.
    }
  }
  return { status, header: answer.header, asked, chunks, discard, drain };
}

/** What an abort ended is its reason; anything else is as the transport said it. */
function ownError(error: unknown, signal: AbortSignal, asked: Asked): unknown {
  if (signal.aborted) return abortedError(asked.operation, signal, asked.subject);
  return error;
}

/** Length of a body by its header; unknown where it is encoded, and of an answer without a body. */
function declaredLength(
  answer: { header(name: string): string | undefined },
  method: Question["method"],
): number | undefined {
  const length = answer.header("content-length");
  const coding = answer.header("content-encoding") ?? "identity";
  if (length === undefined || method === "HEAD" || coding !== "identity") return undefined;
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

function urlOf({ base }: Api, { path, query = {} }: Question): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return base + path + (pairs.length === 0 ? "" : `?${pairs.join("&")}`);
}

interface StallWatch {
  begin(stallMs: number): void;
  end(): void;
}

function stallWatch(clock: Clock, onStall: () => void): StallWatch {
  let cancel: (() => void) | undefined;
  const end = (): void => {
    cancel?.();
    cancel = undefined;
  };
  return {
    begin(stallMs) {
      end();
      cancel = clock.after(stallMs, onStall);
    },
    end,
  };
}

/** Counts the wait for the server alone: not the one for whoever makes the body. */
function watched(body: Uint8Array | Bytes, wait: StallWatch, answerMs: number): Uint8Array | Bytes {
  if (body instanceof Uint8Array) return body;
  async function* chunks(stream: Bytes): Bytes {
    wait.end();
    for await (const chunk of stream) {
      wait.begin(answerMs);
      yield chunk;
      wait.end();
    }
    wait.begin(answerMs);
  }
  return chunks(body);
}
