import {
  type Bucket,
  type CallOptions,
  collect,
  type Content,
  contentOfBytes,
  contentOfStream,
  type ListOptions,
  openBody,
  orAborted,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import type { Scheduler } from "./scheduler.ts";
import type { Fate, SimCall, Weather } from "./weather.ts";

export interface ScheduledBucketOptions {
  readonly scheduler: Scheduler;
  /** Who asks: the priority of its requests, and its name in the trace. */
  readonly lane: string;
  readonly weather: Weather;
  /** Items of a page of a list; 1,000 if left out. Each page is one request. */
  readonly pageItems?: number | undefined;
  /** Milliseconds by which this caller sees the service's clock wrong: another front end's. */
  readonly serviceSkewMs?: number | undefined;
}

/** A bucket whose requests go through the simulator, and how many went. */
export interface ScheduledBucket extends Bucket {
  /** Requests so far, by operation; each page of a list is one. */
  readonly requests: Readonly<Record<SimCall["operation"], number>>;
}

/**
 * Puts a simulated network between a caller and a bucket: each request waits for the scheduler before
 * its effect and before its answer, and the weather decides what is lost, late, doubled or refused.
 * An effect is one step, alone. A request goes on when its caller has given up, as real ones do.
 */
export function scheduledBucket(inner: Bucket, options: ScheduledBucketOptions): ScheduledBucket {
  const { scheduler, pageItems = 1000, serviceSkewMs = 0 } = options;
  const wire = createWire(inner.name, options);
  const { requests } = wire;

  async function* pages<T>(
    operation: "list" | "listPrefixes",
    prefix: string,
    { signal, limit, startAfter }: ListOptions,
    ask: (page: ListOptions) => AsyncIterable<T>,
    keyOf: (item: T) => string,
  ): AsyncGenerator<T, void, void> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    let after = startAfter;
    while (left > 0) {
      const count = Math.min(left, pageItems);
      const items = await wire.send(operation, prefix, false, signal, async () => {
        const page: T[] = [];
        // One more tells whether there is another page, which a service says as well.
        for await (const item of ask({ startAfter: after, limit: count + 1 })) page.push(item);
        return page;
      });
      yield* items.slice(0, count);
      const last = items[count - 1];
      if (items.length <= count || last === undefined) return;
      left -= count;
      after = keyOf(last);
    }
  }

  return {
    name: inner.name,
    service: inner.service,
    capabilities: inner.capabilities,
    requests,
    serviceTime() {
      const date = wire.hasAnswered() ? inner.serviceTime() : undefined;
      return date === undefined ? undefined : new Date(date.getTime() + serviceSkewMs);
    },
    head: (key, call = {}) =>
      wire.send("head", key, false, call.signal, async () => await inner.head(key)),
    read: (key, { signal, ...call } = {}) =>
      wire.send("read", key, false, signal, async (fate) => {
        const content = await inner.read(key, call);
        return content === undefined ? undefined : await settledRead(content, fate, key);
      }),
    async put(key, body, { signal, ...call } = {}) {
      throwIfAborted(signal, "put", key);
      const bytes = await collect(openBody(body));
      const isConditional = call.ifAbsent === true || call.ifVersion !== undefined;
      return await wire.send("put", key, isConditional, signal, async () => {
        const outcome = await inner.put(key, bytes, call);
        scheduler.trace.note(options.lane, `put ${key}: ${outcome}`);
        return outcome;
      });
    },
    delete: (key, call: CallOptions = {}) =>
      wire.send("delete", key, false, call.signal, async () => await inner.delete(key)),
    list: (prefix, call = {}) =>
      pages(
        "list",
        prefix,
        call,
        (page) => inner.list(prefix, page),
        ({ key }) => key,
      ),
    listPrefixes: (prefix, call = {}) =>
      pages(
        "listPrefixes",
        prefix,
        call,
        (page) => inner.listPrefixes(prefix, page),
        (found) => found,
      ),
    async [Symbol.asyncDispose]() {
      // Requests under way go on; the objects are the inner bucket's.
    },
  };
}

interface Wire {
  readonly requests: Record<SimCall["operation"], number>;
  hasAnswered(): boolean;
  send<T>(
    operation: SimCall["operation"],
    subject: string,
    isConditional: boolean,
    signal: AbortSignal | undefined,
    effect: (fate: Fate) => Promise<T>,
  ): Promise<T>;
}

function createWire(source: string, options: ScheduledBucketOptions): Wire {
  const { scheduler, weather } = options;
  const lane = `${options.lane}.net`;
  const requests = { head: 0, read: 0, put: 0, delete: 0, list: 0, listPrefixes: 0 };
  let answered = false;
  let sent = 0;

  return {
    requests,
    hasAnswered: () => answered,
    async send<T>(
      operation: SimCall["operation"],
      subject: string,
      isConditional: boolean,
      signal: AbortSignal | undefined,
      effect: (fate: Fate) => Promise<T>,
    ): Promise<T> {
      throwIfAborted(signal, operation, subject);
      requests[operation] += 1;
      sent += 1;
      const name = `${operation} ${subject} #${sent}`;
      const fate = weather({ operation, subject, isConditional, timeMs: scheduler.timeMs });
      const answer = new Promise<T>((resolve, reject) => {
        const { failure, isEarly = false, isSilent = false, backMs = 0 } = fate;
        const tell = async (deliver: () => void): Promise<void> => {
          await scheduler.pause(lane, `answer to ${name}`, backMs);
          answered = true;
          deliver();
        };
        const fail = (): void => {
          scheduler.trace.note(lane, `${name} fails with ${failure?.code}`);
          const message = "by the simulated weather";
          if (failure !== undefined) {
            reject(new StoreError({ ...failure, operation, subject, source, message }));
          }
        };
        // A late request has a lane of its own, so that its caller may be far ahead of it.
        const requestLane = isEarly ? `${options.lane}.late` : lane;
        scheduler.background(requestLane, async () => {
          if (isEarly) scheduler.background(lane, () => tell(fail));
          await scheduler.pause(requestLane, name, fate.thereMs ?? 0);
          if (signal?.aborted === true && fate.stopsOnAbort === true) return;
          const [first, second] = await effectsOf(fate, effect, () =>
            scheduler.point(requestLane, `${name} again`),
          );
          if (isEarly || isSilent) return;
          await tell(() => {
            const chosen = fate.answer === "second" ? (second ?? first) : first;
            if (failure !== undefined || chosen === undefined) fail();
            else if ("error" in chosen) reject(chosen.error);
            else resolve(chosen.value);
          });
        });
      });
      return await orAborted(answer, signal, operation, subject);
    },
  };
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

async function effectsOf<T>(
  fate: Fate,
  effect: (fate: Fate) => Promise<T>,
  between: () => Promise<void>,
): Promise<readonly Settled<T>[]> {
  const settled: Settled<T>[] = [];
  for (let count = 0; count < (fate.effects ?? 1); count += 1) {
    if (count > 0) await between();
    try {
      settled.push({ value: await effect(fate) });
    } catch (error) {
      settled.push({ error });
    }
  }
  return settled;
}

/** Takes a read's bytes at the instant of its effect: what comes after does not change them. */
async function settledRead(content: Content, fate: Fate, key: string): Promise<Content> {
  const { size, range, source, role, verified, version } = content;
  const parts = { size, range, source, role, verified, version };
  const bytes = (await content.bytes()).slice();
  if (fate.breaksOff !== true) return contentOfBytes(parts, bytes);
  return contentOfStream(parts, async function* () {
    yield bytes.subarray(0, Math.floor(bytes.byteLength / 2));
    const message = "the connection broke off, by the simulated weather";
    throw new StoreError({ code: "UNAVAILABLE", operation: "read", subject: key, source, message });
  });
}
