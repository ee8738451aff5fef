import {
  type Bucket,
  type ByteRange,
  type CallOptions,
  collect,
  type Content,
  contentOfStream,
  type MemoryBucket,
  memoryBucket,
  openBody,
  orAborted,
  StoreError,
  throwIfAborted,
  untilAborted,
} from "@bitstore/core";
import type { ScriptedBody, ScriptedCall, ScriptedFate, Script } from "./scripted-fate.ts";
import type { Scheduler } from "./scheduler.ts";

/** What became of one request, whatever the caller makes of it. */
export interface ScriptedRequest extends ScriptedCall {
  readonly startStep: number;
  readonly fate: ScriptedFate;
  readonly signal: AbortSignal | undefined;
  /** What the caller was told; undefined while it waits, and for ever if it gave up. */
  told?: "hit" | "miss" | "done" | "failed" | undefined;
  toldStep?: number | undefined;
  toldMs?: number | undefined;
  /** It took effect when its caller no longer waited. */
  isLate?: boolean | undefined;
  /** What went wrong with its bytes, once it has. */
  struck?: ScriptedBody["effect"] | undefined;
  /** Of a read that was answered: whether somebody still has it open. */
  isOpen?: boolean | undefined;
}

/** One change of an object. */
export interface ScriptedChange {
  readonly step: number;
  readonly timeMs: number;
  readonly key: string;
  /** What is there from now on; undefined where it was deleted. */
  readonly bytes: Uint8Array | undefined;
  /** The store under test, or the world outside of it. */
  readonly by: "store" | "world";
}

export interface ScriptedBucket extends Bucket {
  readonly requests: readonly ScriptedRequest[];
  readonly changes: readonly ScriptedChange[];
  /** What is there now. */
  now(key: string): Uint8Array | undefined;
  /** Changes an object beside the store: another writer, or rot. */
  plant(key: string, bytes: Uint8Array | undefined): Promise<void>;
}

export interface ScriptedBucketOptions {
  readonly scheduler: Scheduler;
  readonly name: string;
  readonly script: Script;
  readonly capabilities?: Partial<Bucket["capabilities"]> | undefined;
}

/**
 * Makes a bucket in memory whose requests and bytes move step by step, as a scheduler and a script say:
 * it answers late, wrongly or never, breaks off and lies. It remembers each request and each change of
 * its objects for an oracle. Nothing in it is a limit of time: whoever asks has to have one.
 */
export function scriptedBucket(options: ScriptedBucketOptions): ScriptedBucket {
  const { scheduler: sim, name, script } = options;
  const lane = `${name}.net`;
  const service = (): Date => new Date(Date.UTC(2026, 0, 2) + Math.floor(sim.timeMs));
  const inner: MemoryBucket = memoryBucket(name, service);
  const requests: ScriptedRequest[] = [];
  const changes: ScriptedChange[] = [];
  const present = new Map<string, Uint8Array>();

  const note = (key: string, bytes: Uint8Array | undefined, by: ScriptedChange["by"]): void => {
    changes.push({ step: sim.step, timeMs: sim.timeMs, key, bytes, by });
    if (bytes === undefined) present.delete(key);
    else present.set(key, bytes);
  };

  async function send<T>(
    about: Pick<ScriptedCall, "operation" | "key"> & { readonly isRange?: boolean },
    signal: AbortSignal | undefined,
    effect: (request: ScriptedRequest) => Promise<T>,
    toldOf: (answer: T) => ScriptedRequest["told"],
  ): Promise<T> {
    const { operation, key } = about;
    throwIfAborted(signal, operation, key);
    const call: ScriptedCall = { isRange: false, ...about, timeMs: sim.timeMs };
    const fate = script(call);
    const request: ScriptedRequest = { ...call, fate, startStep: sim.step, signal };
    requests.push(request);
    const text = `${operation} ${key.slice(-6)} #${requests.length}`;
    const isWrite = operation === "put" || operation === "delete";
    const answer = new Promise<T>((resolve, reject) => {
      sim.background(lane, async () => {
        await sim.pause(lane, text, fate.thereMs ?? 0);
        if (signal?.aborted === true && (fate.stopsOnAbort === true || operation === "put")) return;
        const isLost = fate.failure !== undefined || fate.isSilent === true;
        let settle = (): void => reject(failureOf(fate, operation, key, name));
        if (!isLost || fate.hasEffect === true) {
          try {
            const value = await effect(request);
            if (fate.failure === undefined) {
              settle = () => {
                request.told = toldOf(value);
                if (operation === "read" && request.told === "hit") request.isOpen = true;
                resolve(value);
              };
            }
          } catch (error) {
            if (fate.failure === undefined) settle = () => reject(error);
          }
          if (isWrite && signal?.aborted === true) request.isLate = true;
        }
        if (fate.isSilent === true) return;
        await sim.pause(lane, `answer to ${text}`, fate.backMs ?? 0);
        if (signal?.aborted === true) return;
        request.told = "failed";
        request.toldStep = sim.step;
        request.toldMs = sim.timeMs;
        settle();
        if (sim.trace.isOn) sim.trace.note(lane, `${text}: ${request.told} ${troubleOf(fate)}`);
      });
    });
    return await orAborted(answer, signal, operation, key);
  }

  async function readNow(
    request: ScriptedRequest,
    range: ByteRange | undefined,
    ifVersion: string | undefined,
  ): Promise<Content | undefined> {
    const { fate, key, signal } = request;
    if (fate.denies === true) return undefined;
    const asked = fate.ignoresRange === true ? undefined : range;
    const content = await inner.read(key, { range: asked, ifVersion });
    if (content === undefined) return undefined;
    // What is read is what was there when the request took effect, whatever comes after.
    const bytes = new Uint8Array(await content.bytes());
    const { version } = content;
    const size = toldSize(content.size, fate);
    const release = (): void => {
      request.isOpen = false;
    };
    signal?.addEventListener("abort", release, { once: true });
    const parts = { size, range: content.range, source: name, version };
    return contentOfStream(
      parts,
      () => bodyOf(bytes, request),
      () => {
        signal?.removeEventListener("abort", release);
        release();
      },
    );
  }

  async function* bodyOf(
    bytes: Uint8Array,
    request: ScriptedRequest,
  ): AsyncGenerator<Uint8Array, void, void> {
    const { fate, key, signal } = request;
    const { chunkBytes = 256, chunkMs = 0, body } = fate;
    const breakAt = Math.floor((body?.atShare ?? 2) * bytes.byteLength);
    for (let at = 0; at < bytes.byteLength; ) {
      let chunk = bytes.subarray(at, at + chunkBytes);
      await orAborted(sim.pause(lane, `bytes of ${key.slice(-6)}`, chunkMs), signal, "read", key);
      if (body !== undefined && breakAt >= at && breakAt < at + chunk.byteLength) {
        const before = chunk.subarray(0, breakAt - at);
        request.struck = body.effect;
        if (body.effect === "flip") chunk = flipped(chunk, breakAt - at);
        else if (body.effect !== "extra") {
          if (before.byteLength > 0) yield before;
          if (body.effect === "end") return;
          if (body.effect === "reset") throw failureOf(reset, "read", key, name);
          await orAborted(new Promise<never>(() => undefined), signal, "read", key);
        }
      }
      at += chunk.byteLength;
      yield chunk;
    }
    if (body?.effect === "extra") yield new Uint8Array(1 + Math.floor(body.atShare * 60));
  }

  return {
    name,
    service: inner.service,
    capabilities: { ...inner.capabilities, ...options.capabilities },
    requests,
    changes,
    now: (key) => present.get(key),
    async plant(key, bytes) {
      if (bytes === undefined) await inner.delete(key);
      else await inner.put(key, bytes);
      note(key, bytes, "world");
    },
    serviceTime: service,
    head: (key, call = {}) =>
      send(
        { operation: "head", key },
        call.signal,
        async ({ fate }) => (fate.denies === true ? undefined : await inner.head(key)),
        (info) => (info === undefined ? "miss" : "hit"),
      ),
    read: (key, { range, ifVersion, signal } = {}) =>
      send(
        { operation: "read", key, isRange: range !== undefined },
        signal,
        async (request) => await readNow(request, range, ifVersion),
        (content) => (content === undefined ? "miss" : "hit"),
      ),
    put: (key, body, { signal, ...call } = {}) =>
      send(
        { operation: "put", key },
        signal,
        async (request) => {
          const bytes = await collect(uploaded(openBody(body), request));
          const outcome = await inner.put(key, bytes, call);
          if (outcome !== "existed") note(key, new Uint8Array(bytes), "store");
          return outcome;
        },
        () => "done",
      ),
    delete: (key, call: CallOptions = {}) =>
      send(
        { operation: "delete", key },
        call.signal,
        async () => {
          const was = await inner.delete(key);
          if (was) note(key, undefined, "store");
          return was;
        },
        () => "done",
      ),
    async *list(prefix, { signal, ...call } = {}) {
      const ask = { operation: "list", key: prefix } as const;
      const found = await send(
        ask,
        signal,
        async () => await all(inner.list(prefix, call)),
        () => "done",
      );
      yield* found;
    },
    async *listPrefixes(prefix, { signal, ...call } = {}) {
      const ask = { operation: "list", key: prefix } as const;
      const found = await send(
        ask,
        signal,
        async () => await all(inner.listPrefixes(prefix, call)),
        () => "done",
      );
      yield* found;
    },
    async [Symbol.asyncDispose]() {
      // Requests under way go on.
    },
  };

  async function* uploaded(
    body: AsyncIterable<Uint8Array>,
    { fate, key, signal }: ScriptedRequest,
  ): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of untilAborted(body, signal, "put", key)) {
      await orAborted(
        sim.pause(lane, `upload of ${key.slice(-6)}`, fate.chunkMs ?? 0),
        signal,
        "put",
        key,
      );
      yield chunk;
    }
  }
}

const reset: ScriptedFate = { failure: { code: "UNAVAILABLE", serviceCode: "ECONNRESET" } };

function failureOf(
  { failure }: ScriptedFate,
  operation: string,
  subject: string,
  source: string,
): StoreError {
  const message = "by the script";
  return new StoreError({ code: "INTERNAL", ...failure, operation, subject, source, message });
}

function toldSize(size: number | undefined, { sizeBy }: ScriptedFate): number | undefined {
  if (sizeBy === "unknown" || size === undefined) return undefined;
  return Math.max(0, size + (sizeBy ?? 0));
}

function flipped(chunk: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(chunk);
  copy[at] = (copy[at] ?? 0) ^ 4;
  return copy;
}

function troubleOf({ failure, body, sizeBy, ignoresRange, denies }: ScriptedFate): string {
  const parts = [
    failure?.code,
    body === undefined ? undefined : `${body.effect} at ${body.atShare.toFixed(2)}`,
    sizeBy === undefined ? undefined : `size ${sizeBy}`,
    ignoresRange === true ? "whole for range" : undefined,
    denies === true ? "denies it" : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
