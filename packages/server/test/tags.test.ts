import { randomBytes } from "node:crypto";
import type { TagEntry } from "@bitstore/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manualClock } from "./access/manual-clock.ts";
import { openServer, type OpenServer } from "./support/open-server.ts";

// Tags over a live server whose log is in memory.

let served: OpenServer;
let one = "";
let two = "";
const json = { "content-type": "application/json" };

beforeAll(async () => {
  served = await openServer();
  [one, two] = await Promise.all([put("one"), put("two")]);
});
afterAll(() => served[Symbol.asyncDispose]());

async function put(body: string): Promise<string> {
  const response = await fetch(`${served.url}/v1/blobs`, { method: "POST", body });
  return ((await response.json()) as { digest: string }).digest;
}

function tag(name: string, rest = ""): string {
  return `${served.url}/v1/tags/${encodeURIComponent(name)}${rest}`;
}

function set(
  name: string,
  digest: string,
  headers: Record<string, string> = {},
  more: object = {},
): Promise<Response> {
  const body = JSON.stringify({ digest, ...more });
  return fetch(tag(name), { method: "PUT", headers: { ...json, ...headers }, body });
}

async function entryOf(response: Response): Promise<TagEntry> {
  expect(response.status).toBeLessThan(300);
  return (await response.json()) as TagEntry;
}

describe("a tag", () => {
  test("is set, read, moved and deleted, and its history stays", async () => {
    const name = "models/Prod.v1";
    const first = await set(name, one, {}, { reason: "begins", mediaType: "text/plain" });
    expect([first.status, first.headers.get("etag")]).toEqual([201, '"1"']);
    expect((await set(name, two)).status).toBe(200);
    const head = await fetch(tag(name));
    expect(head.headers.get("etag")).toBe('"2"');
    expect(await entryOf(head)).toMatchObject({ tag: name, seq: 2, target: { digest: two } });
    expect((await fetch(tag(name), { headers: { "if-none-match": '"2"' } })).status).toBe(304);
    const old = await entryOf(await fetch(tag(name, "?seq=1")));
    expect(old).toMatchObject({ seq: 1, reason: "begins", target: { digest: one, size: 3 } });
    const then = await fetch(tag(name, `?at=${encodeURIComponent(old.time)}`));
    expect(await entryOf(then)).toMatchObject({ seq: 1 });
    const noted = await fetch(tag(name), {
      method: "PATCH",
      headers: json,
      body: JSON.stringify({ annotations: { checked: "yes" } }),
    });
    expect(await entryOf(noted)).toMatchObject({ seq: 3, annotations: { checked: "yes" } });
    const back = await fetch(tag(name, "/rollback"), {
      method: "POST",
      headers: json,
      body: JSON.stringify({ seq: 1 }),
    });
    expect(await entryOf(back)).toMatchObject({ seq: 4, op: "restore", target: { digest: one } });
    const blob = await fetch(tag(name, "/blob"));
    expect(blob.headers.get("content-type")).toBe("text/plain");
    expect(blob.headers.get("cache-control")).toBe("public, no-cache");
    expect(await blob.text()).toBe("one");
    expect((await fetch(tag(name, "/blob"), { method: "HEAD" })).headers.get("etag")).toBe(
      `"${one}"`,
    );
    const gone = await fetch(tag(name, "?reason=done"), { method: "DELETE" });
    expect(await entryOf(gone)).toMatchObject({ seq: 5, op: "delete", reason: "done" });
    expect(await entryOf(await fetch(tag(name)))).toMatchObject({ op: "delete" });
    expect((await fetch(tag(name, "/blob"))).status).toBe(404);
    expect((await set(name, one)).status).toBe(201);
    const page = await fetch(tag(name, "/history?n=4"));
    const { records, next } = (await page.json()) as { records: TagEntry[]; next: number };
    expect([records.map(({ seq }) => seq), next]).toEqual([[6, 5, 4, 3], 3]);
    const rest = await fetch(tag(name, `/history?n=4&before=${next}`));
    expect(await rest.json()).toMatchObject({ records: [{ seq: 2 }, { seq: 1 }] });
    const verified = await fetch(tag(name, "/verify"));
    expect(await verified.json()).toMatchObject({ seq: 6, problems: [] });
  });

  test("is written on conditions", async () => {
    const name = "conditions";
    const star = { "if-none-match": "*" };
    expect((await set(name, one, { "if-match": "*" })).status).toBe(412);
    expect((await set(name, one, star)).status).toBe(201);
    const taken = await set(name, two, star);
    expect(taken.status).toBe(412);
    expect(await taken.json()).toMatchObject({
      code: "PRECONDITION_FAILED",
      current: { seq: 1, target: { digest: one } },
    });
    expect((await set(name, two, { "if-match": '"2"' })).status).toBe(412);
    expect((await set(name, two, { "if-match": '"1"' })).status).toBe(200);
    expect((await set(name, one, { "if-match": `"${one}"` })).status).toBe(412);
    expect((await set(name, one, { "if-match": `"${two}"` })).status).toBe(200);
    expect((await set(name, two, { "if-match": '"9", "3"' })).status).toBe(200);
    expect((await set(name, two, { "if-match": '"8", "9"' })).status).toBe(412);
    expect((await set(name, one, { "if-match": "*" })).status).toBe(200);
    expect((await set(name, one, { "if-match": '5"' })).status).toBe(400);
    expect((await set(name, one, { ...star, "if-match": "*" })).status).toBe(412);
    expect((await set(name, one, { "if-none-match": '"5"' })).status).toBe(400);
    expect((await entryOf(await fetch(tag(name)))).seq).toBe(5);
  });

  test("is written once for each Idempotency-Key, however often it is sent", async () => {
    const name = "once";
    const key = randomBytes(16).toString("hex");
    const first = await entryOf(await set(name, one, { "idempotency-key": key }));
    expect(first).toMatchObject({ seq: 1, nonce: key });
    await set(name, two);
    // As a client does whose answer was lost; the tag has moved on since.
    const again = await entryOf(await set(name, one, { "idempotency-key": key }));
    expect(again).toMatchObject({ seq: 1, nonce: key });
    const named = await entryOf(await set(name, two, { "idempotency-key": '"my own key"' }));
    const twice = await entryOf(await set(name, two, { "idempotency-key": '"my own key"' }));
    expect([named.seq, twice.seq]).toEqual([3, 3]);
    expect(named.nonce).toMatch(/^[0-9a-f]{32}$/);
    expect((await set(name, one, { "idempotency-key": "x".repeat(300) })).status).toBe(400);
  });

  test("is refused where the request is wrong", async () => {
    const none = `sha256:${"0".repeat(64)}`;
    const send = (method: string, path: string, body?: string, headers = json): Promise<Response> =>
      fetch(path, { method, headers, ...(body === undefined ? {} : { body }) });
    const cases: [Promise<Response>, number][] = [
      [set("absent-blob", none), 404],
      [fetch(tag("never-set")), 404],
      [fetch(tag("a/../b")), 400],
      [fetch(tag("a b")), 400],
      [fetch(tag("x", "?seq=0")), 400],
      [fetch(tag("x", "?at=yesterday")), 400],
      [send("PUT", tag("x"), "{"), 400],
      [send("PUT", tag("x"), '{"digest":"x"}'), 400],
      [send("PUT", tag("x"), `{"digest":"${one}","__proto__":{}}`), 400],
      [send("PUT", tag("x"), `{"digest":"${one}","extra":1}`), 400],
      [send("PUT", tag("x"), "x".repeat(300_000)), 413],
      [send("PUT", tag("x"), `{"digest":"${one}"}`, { "content-type": "text/plain" }), 400],
      [send("POST", tag("never-set", "/rollback"), '{"seq":1}'), 404],
      [send("DELETE", tag("never-set")), 404],
      [send("PATCH", tag("never-set"), '{"annotations":{}}'), 404],
    ];
    for (const [n, [response, status]] of cases.entries()) {
      expect([n, (await response).status]).toEqual([n, status]);
    }
    expect((await set("forced", none, {}, { force: true })).status).toBe(201);
  });
});

test("a tag whose slashes are not encoded is told how they are written", async () => {
  const detailOf = async (path: string): Promise<string> => {
    const response = await fetch(`${served.url}${path}`, { method: "PUT", headers: json });
    expect(response.status).toBe(404);
    return ((await response.json()) as { detail: string }).detail;
  };
  expect(await detailOf("/v1/tags/models/prod")).toMatch(/%2F: \/v1\/tags\/models%2Fprod$/);
  expect(await detailOf("/v1/tags/a/b/c/blob?x=1")).toMatch(/\/v1\/tags\/a%2Fb%2Fc\/blob$/);
  expect(await detailOf("/v1/other/a/b")).toContain("/openapi.json");
});

test("the blob of a deleted tag is gone, and when and by whom is said", async () => {
  await set("retired", one, {}, { actor: "ann" });
  const removed = await fetch(tag("retired", "?actor=bob"), { method: "DELETE" });
  const { time } = await entryOf(removed);
  const response = await fetch(tag("retired", "/blob"));
  expect(response.status).toBe(404);
  const { detail } = (await response.json()) as { detail: string };
  expect(detail).toContain(`it was deleted at ${time} by bob; its entry 1 says what it named`);
});

test("the blob of an older entry is read by its sequence, whatever the tag names by then", async () => {
  // Set, moved, deleted, set again: each entry gives its own blob and media type, to the end.
  await set("old", one, {}, { mediaType: "text/plain" });
  await set("old", two);
  await fetch(tag("old", "?actor=bob"), { method: "DELETE" });
  await set("old", two);
  const first = await fetch(tag("old", "/blob?seq=1"));
  expect(Object.fromEntries(first.headers)).toMatchObject({
    etag: `"${one}"`,
    "content-type": "text/plain",
    "cache-control": "public, no-cache",
  });
  expect(await first.text()).toBe("one");
  expect(await (await fetch(tag("old", "/blob?seq=2"))).text()).toBe("two");
  expect(await (await fetch(tag("old", "/blob"))).text()).toBe("two");
  const head = await fetch(tag("old", "/blob?seq=1"), { method: "HEAD" });
  expect([head.status, head.headers.get("etag")]).toEqual([200, `"${one}"`]);
  const range = { headers: { range: "bytes=1-2" } };
  expect(await (await fetch(tag("old", "/blob?seq=1"), range)).text()).toBe("ne");
  const known = { headers: { "if-none-match": `"${one}"` } };
  expect((await fetch(tag("old", "/blob?seq=1"), known)).status).toBe(304);
  const other = { headers: { "if-match": `"${two}"` } };
  expect((await fetch(tag("old", "/blob?seq=1"), other)).status).toBe(412);
});

test("an entry that is none, or a deletion, has no blob, and what is no sequence is refused", async () => {
  await set("few", one);
  await fetch(tag("few", "?actor=bob"), { method: "DELETE" });
  await set("few", two);
  const askFor = async (name: string, query: string): Promise<readonly [number, string]> => {
    const response = await fetch(tag(name, `/blob?${query}`));
    return [response.status, ((await response.json()) as { detail: string }).detail];
  };
  expect(await askFor("few", "seq=2")).toEqual([
    404,
    expect.stringMatching(/deleted at .* by bob/),
  ]);
  expect(await askFor("few", "seq=4")).toEqual([404, expect.stringContaining("no entry 4")]);
  expect(await askFor("never-set", "seq=1")).toEqual([404, expect.stringContaining("no entry 1")]);
  const none = ["0", "-1", "1.5", "x", "", "1e3", "9007199254740993", "99999999999999999999"];
  for (const seq of none) {
    expect([seq, await askFor("few", `seq=${seq}`)]).toEqual([
      seq,
      [400, expect.stringContaining("seq")],
    ]);
    const head = await fetch(tag("few", `/blob?seq=${seq}`), { method: "HEAD" });
    expect([seq, head.status]).toEqual([seq, 400]);
  }
  expect((await askFor("few", "seq=1&seq=2"))[0]).toBe(400);
  expect((await askFor("few", "at=2026-01-01T00:00:00Z"))[0]).toBe(400);
});

test("tags are listed in pages, with their newest entries where asked for", async () => {
  await using own = await openServer();
  served = own;
  const digest = await put("x");
  for (const name of ["a/1", "a/2", "b", "a/3"]) await set(name, digest);
  await fetch(tag("a/3"), { method: "DELETE" });
  const list = async (query: string): Promise<Record<string, unknown>> =>
    (await (await fetch(`${own.url}/v1/tags${query}`)).json()) as Record<string, unknown>;
  expect(await list("")).toEqual({ tags: ["a/1", "a/2", "b"] });
  expect(await list("?prefix=a%2F&deleted=true")).toEqual({ tags: ["a/1", "a/2", "a/3"] });
  expect(await list("?n=2")).toEqual({ tags: ["a/1", "a/2"], next: "a/2" });
  expect(await list("?n=2&after=a%2F2")).toEqual({ tags: ["b"] });
  expect(await list("?expand=head&n=1")).toMatchObject({ heads: [{ tag: "a/1", seq: 1 }] });
  expect(await list("?expand=head&n=500")).toMatchObject({ heads: [{}, {}, {}] });
});

describe("a watch", () => {
  interface Watched {
    readonly response: Response;
    until(text: string): Promise<string>;
    end(): Promise<void>;
  }
  async function watch(url: string, headers: Record<string, string> = {}): Promise<Watched> {
    const controller = new AbortController();
    const response = await fetch(url, { headers, signal: controller.signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    return {
      response,
      async until(wanted) {
        while (!text.includes(wanted)) {
          const step = await reader?.read();
          if (step?.done !== false) throw new Error(`it ended at ${text}`);
          text += step.value;
        }
        return text;
      },
      async end() {
        while ((await reader?.read())?.done === false);
        controller.abort();
      },
    };
  }

  test("tells each entry as it comes, goes on after the last id, and beats, until the server ends", async () => {
    const clock = manualClock();
    await using own = await openServer({ clock, limits: { heartbeatMs: 1000 } });
    served = own;
    const digest = await put("x");
    await set("w", digest);
    const first = await watch(tag("w", "/watch"));
    expect(first.response.headers.get("content-type")).toBe("text/event-stream");
    await first.until("id: 1\n");
    await set("w", digest);
    await set("w", digest);
    const text = await first.until("id: 3\n");
    expect(text.match(/^id: \d+$/gm)).toEqual(["id: 1", "id: 2", "id: 3"]);
    const resumed = await watch(tag("w", "/watch?since=0"), { "last-event-id": "2" });
    expect((await resumed.until("\n\n")).match(/^id: \d+$/gm)).toEqual(["id: 3"]);
    const all = await watch(tag("w", "/watch?since=0"));
    await all.until("id: 3\n");
    clock.advance(1000);
    await first.until(": alive\n");
    const closing = own.server.close({ drainMs: 60_000 });
    await Promise.all([first.end(), resumed.end(), all.end()]);
    await closing;
  });
});

test("a server without metadata says that it keeps no tags", async () => {
  await using own = await openServer({ metadata: null });
  const response = await fetch(`${own.url}/v1/tags`);
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("GET");
});
