import {
  type Clock,
  composite,
  defineTier,
  memoryBucket,
  memoryCache,
  type TagLog,
} from "@bitstore/core";
import { durableTargets, tagLog } from "@bitstore/tags";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { expect, test } from "vitest";
import { hashToken, mintToken } from "../../src/access/bearer-token.ts";
import { type Access, openAccess } from "../../src/access/open-access.ts";
import { parseAccess } from "../../src/access/parse-access.ts";
import type { RequestRecord } from "../../src/listen/run-route.ts";
import { type OpenServer, openServer } from "../support/open-server.ts";
import { manualClock } from "./manual-clock.ts";

// An open watch lasts no longer than what let its caller in: it ends, so that the caller comes back with
// its credentials and the last id that it saw. Clocks are turned by hand, so nothing waits for time.

const startMs = Date.parse("2027-01-01T00:00:00Z");
const minuteMs = 60_000;
const writer = mintToken();
const reader = mintToken();

interface TestClock extends Clock {
  readonly date: () => Date;
  /** Timers that are set and not called off. */
  readonly timers: number;
  advance(ms: number): void;
}

function testClock(): TestClock {
  const { now, after, advance } = manualClock();
  let timers = 0;
  return {
    now,
    advance,
    date: () => new Date(startMs + now()),
    get timers() {
      return timers;
    },
    after(delayMs, callback) {
      let isOver = false;
      const over = (): void => {
        if (!isOver) timers -= 1;
        isOver = true;
      };
      timers += 1;
      const cancel = after(delayMs, () => {
        over();
        callback();
      });
      return () => {
        over();
        cancel();
      };
    },
  };
}

/** Rules that know the writer, and the reader as `more` says; without it they don't. */
function rules(clock: TestClock, more?: object, jwt?: object): Access {
  const tokens = [
    { name: "writer", hash: hashToken(writer.token), scopes: ["read", "write", "tag"] },
    ...(more === undefined
      ? []
      : [{ name: "reader", hash: hashToken(reader.token), scopes: ["read"], ...more }]),
  ];
  const config = parseAccess({ auth: { tokens, ...(jwt && { jwt }) } }, "127.0.0.1");
  return openAccess(config, { host: "127.0.0.1", secrets: [], date: clock.date });
}

interface Watched {
  readonly status: number;
  /** Resolves to all that came once it holds the text. */
  until(text: string): Promise<string>;
  /** Resolves to all that came before an orderly end. */
  end(): Promise<string>;
}

async function watch(served: OpenServer, token: string, lastId = 0): Promise<Watched> {
  const headers = { authorization: `Bearer ${token}`, "last-event-id": String(lastId) };
  const response = await fetch(`${served.url}/v1/tags/w/watch`, { headers });
  const pieces = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const read = async (): Promise<boolean> => {
    const step = await pieces?.read();
    text += step?.value ?? "";
    return step?.done === false;
  };
  return {
    status: response.status,
    async until(wanted) {
      while (!text.includes(wanted)) {
        if (!(await read())) throw new Error(`it ended at ${JSON.stringify(text)}`);
      }
      return text;
    },
    async end() {
      while (await read());
      return text;
    },
  };
}

/** Writes the next entry of the tag that is watched. */
async function write(served: OpenServer): Promise<void> {
  const headers = { authorization: `Bearer ${writer.token}` };
  const url = `${served.url}/v1/`;
  const put = await fetch(`${url}blobs`, { method: "POST", headers, body: "x" });
  const { digest } = (await put.json()) as { digest: string };
  const body = JSON.stringify({ digest });
  const sent = { ...headers, "content-type": "application/json" };
  const response = await fetch(`${url}tags/w`, { method: "PUT", headers: sent, body });
  expect(response.ok).toBe(true);
  await response.arrayBuffer();
}

/** Resolves once a watch is over, as the server sees it. */
function watchEnds(): {
  readonly onRequest: (record: RequestRecord) => void;
  next(): Promise<void>;
} {
  const waiting = new Set<() => void>();
  return {
    onRequest({ operationId }) {
      if (operationId !== "watchTag") return;
      for (const done of waiting) done();
      waiting.clear();
    },
    next: () => new Promise((resolve) => waiting.add(resolve)),
  };
}

test("other rules end every watch: who is known goes on, and who is not is refused", async () => {
  const clock = testClock();
  await using served = await openServer({ access: rules(clock, {}), clock });
  await write(served);
  const withdrawn = await watch(served, reader.token);
  const kept = await watch(served, writer.token);
  for (const each of [withdrawn, kept]) await each.until("id: 1\n");
  served.server.setAccess(rules(clock));
  const ends = await Promise.all([withdrawn.end(), kept.end()]);
  await write(served);
  for (const text of ends) {
    expect(text.match(/^(?:id|event): .*$/gm)).toEqual(["id: 1"]);
  }
  expect((await watch(served, reader.token, 1)).status).toBe(401);
  const again = await watch(served, writer.token, 1);
  expect((await again.until("\n\n")).match(/^id: .*$/gm)).toEqual(["id: 2"]);
});

test("an entry that comes after the end is not sent, also where the tag log heeds no signal", async () => {
  const clock = testClock();
  const entry = { namespace: "default", tag: "w", op: "delete", seq: 1 };
  const gate = Promise.withResolvers<void>();
  const store = composite({
    tiers: [defineTier({ name: "none", source: memoryCache({ bytesMax: 1 }), origin: true })],
  });
  const tags = {
    ...tagLog(memoryBucket(), { checkTarget: durableTargets(store) }),
    async *watch() {
      yield entry;
      await gate.promise;
      yield { ...entry, seq: 2 };
    },
  } as unknown as TagLog;
  await using served = await openServer({
    access: rules(clock, {}),
    clock,
    open: (namespace) =>
      Promise.resolve({
        namespace,
        store,
        tags,
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      }),
  });
  const watched = await watch(served, reader.token);
  await watched.until("id: 1\n");
  served.server.setAccess(rules(clock));
  gate.resolve();
  expect((await watched.end()).match(/^id: .*$/gm)).toEqual(["id: 1"]);
});

test("rules that are replaced while it is asked who calls end the watch that follows", async () => {
  // The reader is known to the old rules, whose answer comes only when new ones hold.
  const clock = testClock();
  const old = rules(clock, {});
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const slow: Access = {
    ...old,
    async authenticate(credentials) {
      const principal = await old.authenticate(credentials);
      asked.resolve();
      await gate.promise;
      return principal;
    },
  };
  await using served = await openServer({ access: slow, clock });
  const watching = watch(served, reader.token);
  await asked.promise;
  served.server.setAccess(rules(clock));
  gate.resolve();
  const watched = await watching;
  await write(served);
  expect(await watched.end()).not.toContain("id:");
});

test("a watch ends when its token does, and not before, and leaves no timer", async () => {
  const clock = testClock();
  const expires = new Date(startMs + 90 * minuteMs).toISOString();
  const { onRequest, next } = watchEnds();
  await using served = await openServer({
    access: rules(clock, { expires }),
    clock,
    limits: { heartbeatMs: 1000 * minuteMs },
    onRequest,
  });
  const before = clock.timers;
  const watched = await watch(served, reader.token);
  clock.advance(90 * minuteMs - 1);
  await write(served);
  await watched.until("id: 1\n");
  const isOver = next();
  clock.advance(1);
  expect((await watched.end()).match(/^(?:id|event): .*$/gm)).toEqual(["id: 1"]);
  await isOver;
  expect(clock.timers).toBe(before);
  expect((await watch(served, reader.token, 1)).status).toBe(401);
});

test("a watch whose client leaves, or whose rules are replaced, leaves no timer", async () => {
  const clock = testClock();
  const expires = new Date(startMs + 90 * minuteMs).toISOString();
  const { onRequest, next } = watchEnds();
  await using served = await openServer({ access: rules(clock, { expires }), clock, onRequest });
  const before = clock.timers;
  const abort = new AbortController();
  const headers = { authorization: `Bearer ${reader.token}` };
  await fetch(`${served.url}/v1/tags/w/watch`, { headers, signal: abort.signal });
  expect(clock.timers).toBeGreaterThan(before);
  let isOver = next();
  abort.abort();
  await isOver;
  expect(clock.timers).toBe(before);
  const watched = await watch(served, reader.token);
  expect(watched.status).toBe(200);
  isOver = next();
  served.server.setAccess(rules(clock));
  await watched.end();
  await isOver;
  expect(clock.timers).toBe(before);
});

test("a watch ends with its JWT, once that would not be taken any more", async () => {
  // A second of skew is allowed: until then the caller would be let in again at once.
  const clock = testClock();
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const issuer = "https://issuer.example";
  const key = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };
  const jwt = {
    issuer,
    audience: "bitstore",
    algorithms: ["ES256"],
    keys: [key],
    clockSkewSeconds: 1,
  };
  const token = await new SignJWT({ sub: "robot", scope: "bitstore:read" })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setIssuer(issuer)
    .setAudience("bitstore")
    .setExpirationTime(startMs / 1000 + 300)
    .sign(privateKey);
  await using served = await openServer({
    access: rules(clock, undefined, jwt),
    clock,
    limits: { heartbeatMs: 1000 * minuteMs },
  });
  const watched = await watch(served, token);
  clock.advance(300_999);
  await write(served);
  await watched.until("id: 1\n");
  const second = await watch(served, token, 1);
  expect(second.status).toBe(200);
  clock.advance(1);
  await Promise.all([watched.end(), second.end()]);
  expect((await watch(served, token, 1)).status).toBe(401);
});
