import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Digest, digestOf, memoryBucket } from "@bitstore/core";
import { openAuditLog } from "../../src/audit/audit-log.ts";
import { readAudit } from "../../src/audit/read-audit.ts";
import { type LiveServer, startServer } from "./live-server.ts";

const audit = memoryBucket();
const secretBytes = new TextEncoder().encode("what somebody else has put");
const absent = `sha256:${"2".repeat(64)}`;

let server: LiveServer;
let secretDigest: Digest;

beforeAll(async () => {
  const scopes = ["read", "write", "delete", "tag"] as const;
  server = await startServer(
    [
      { name: "ci", scopes, tagPrefixes: ["mine"] },
      { name: "other-ci", scopes, tagPrefixes: ["theirs"] },
      { name: "free", scopes },
      { name: "team", scopes, namespace: "team" },
    ],
    { audit: openAuditLog(audit, { limits: { windowMs: 1 } }) },
  );
  const { store, tags } = server.behind("default");
  secretDigest = (await store.put(secretBytes)).digest;
  await tags.append("theirs/secret", secretDigest);
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Asked {
  readonly method?: string;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  readonly receipt?: string | null;
}

function ask(
  who: string,
  path: string,
  { method = "GET", body, receipt }: Asked = {},
): Promise<Response> {
  const headers = new Headers({ authorization: `Bearer ${server.tokens.get(who) ?? ""}` });
  if (typeof body === "string") headers.set("content-type", "application/json");
  if (receipt) headers.set("bitstore-receipt", receipt);
  return fetch(server.url + path, { method, headers, ...(body === undefined ? {} : { body }) });
}

function tag(
  who: string,
  name: string,
  digest: string,
  receipt?: string | null,
): Promise<Response> {
  const path = `/v1/tags/${encodeURIComponent(name)}`;
  const body = JSON.stringify({ digest, force: true });
  return ask(who, path, { method: "PUT", body, ...(receipt === undefined ? {} : { receipt }) });
}

/** What an answer says, but for what is different each time. */
async function said(response: Response): Promise<unknown> {
  const text = (await response.text()).replaceAll(/"requestId":"[^"]*"/g, "");
  const headers = [...response.headers].filter(
    ([name]) => !/^(date|x-request-id|bitstore-receipt)$/.test(name),
  );
  return { status: response.status, text, headers };
}

describe("a token that is confined to tags", () => {
  test("puts, tags what it put, and reads it through that tag alone", async () => {
    // The whole way of a build job, with the receipt of the put.
    const body = new TextEncoder().encode("what ci built");
    const put = await ask("ci", "/v1/blobs", { method: "POST", body });
    const { digest } = (await put.json()) as { digest: string };
    const receipt = put.headers.get("bitstore-receipt");
    expect(put.status).toBe(201);
    expect((await tag("ci", "mine/build", digest, receipt)).status).toBe(201);
    const read = await ask("ci", "/v1/tags/mine%2Fbuild/blob");
    expect(new Uint8Array(await read.arrayBuffer())).toEqual(body);
    expect((await ask("ci", `/v1/blobs/${digest}`)).status).toBe(403);
    expect((await ask("ci", "/v1/tags/mine%2Fbuild")).status).toBe(200);
    // What it reads it may tag elsewhere under its prefix.
    const again = read.headers.get("bitstore-receipt");
    expect((await tag("ci", "mine/copy", digest, again)).status).toBe(201);
    // A receipt is its own: another token gains nothing by it, nor does another tag of others.
    expect((await tag("other-ci", "theirs/x", digest, receipt)).status).toBe(403);
    expect((await tag("ci", "theirs/x", digest, receipt)).status).toBe(403);
  });

  test("reads what its tags named before, and of other tags nothing", async () => {
    // An older entry is reached by its sequence, with a receipt, until the tag is deleted.
    const { store, tags } = server.behind("default");
    const { digest } = await store.put(new TextEncoder().encode("what the tag named once"));
    await tags.append("mine/moved", digest);
    await tags.append("mine/moved", secretDigest);
    const path = "/v1/tags/mine%2Fmoved/blob?seq=1";
    const read = await ask("ci", path);
    expect(await read.text()).toBe("what the tag named once");
    expect(read.headers.get("cache-control")).toBe("private, no-cache");
    const receipt = read.headers.get("bitstore-receipt");
    expect((await tag("ci", "mine/again", digest, receipt)).status).toBe(201);
    const head = await ask("ci", path, { method: "HEAD" });
    expect([head.status, head.headers.get("etag")]).toEqual([200, `"${digest}"`]);
    expect((await ask("ci", "/v1/tags/mine%2Fmoved/blob?seq=3")).status).toBe(404);
    for (const name of ["theirs%2Fsecret", "theirs%2Fabsent"]) {
      for (const seq of [1, 2]) {
        const other = await ask("ci", `/v1/tags/${name}/blob?seq=${seq}`);
        expect([name, seq, other.status]).toEqual([name, seq, 403]);
      }
    }
    await tags.remove("mine/moved");
    for (const seq of [1, 2, 3]) {
      const gone = await ask("ci", `/v1/tags/mine%2Fmoved/blob?seq=${seq}`);
      expect([seq, gone.status]).toEqual([seq, 404]);
      expect(await gone.text()).toContain("deleted at");
    }
    // One of the same tag in another namespace has nothing either.
    expect((await ask("team", path)).status).toBe(404);
    expect((await ask("other-ci", path)).status).toBe(403);
  });

  test("can't tell whether anybody else has a blob", async () => {
    // Of a blob that is there and one that is not, each answer is the same to the letter.
    for (const path of ["/v1/blobs/", "/v1/explain/"]) {
      const there = await said(await ask("ci", path + secretDigest));
      const gone = await said(await ask("ci", path + absent));
      expect(there).toEqual(gone);
      expect(there).toMatchObject({ status: 403 });
    }
    const there = await said(await tag("ci", "mine/x", secretDigest));
    expect(there).toEqual(await said(await tag("ci", "mine/x", absent)));
    expect(there).toMatchObject({ status: 403 });
    // A put answers the same for what is there and what is new, with bytes of the same length.
    const fresh = new TextEncoder().encode("what somebody else has got");
    const name = await digestOf(fresh, "sha256");
    const answers = [];
    for (const [digest, body] of [
      [secretDigest, secretBytes],
      [name, fresh],
    ] as const) {
      for (const [path, method] of [
        [`/v1/blobs/${digest}`, "PUT"],
        ["/v1/blobs", "POST"],
      ] as const) {
        const response = await ask("ci", path, { method, body });
        expect(response.headers.get("bitstore-receipt")).not.toBeNull();
        answers.push(JSON.stringify(await said(response)).replaceAll(digest, "DIGEST"));
      }
    }
    expect(answers[0]).toBe(answers[2]);
    expect(answers[1]).toBe(answers[3]);
    expect(answers[0]).toContain("201");
    // A wrong body under a known digest gives neither an answer nor a receipt.
    for (const digest of [secretDigest, absent]) {
      const put = await ask("ci", `/v1/blobs/${digest}`, {
        method: "PUT",
        body: new Uint8Array(26),
      });
      expect(put.status).toBe(422);
      expect(put.headers.get("bitstore-receipt")).toBeNull();
    }
  });

  test("lists nothing, and puts by no weak digest", async () => {
    // The free token of the same namespace may, so it is the confinement that is refused.
    const weak = await digestOf(secretBytes, "sha1");
    const refused: [string, Asked][] = [
      ["/v1/blobs", {}],
      ["/v1/tags", {}],
      ["/v1/tags?prefix=mine", {}],
      ["/v1/blobs/missing", { method: "POST", body: "[]" }],
      ["/v1/blobs/fetch", { method: "POST", body: "[]" }],
      [`/v1/blobs/${weak}`, { method: "PUT", body: secretBytes }],
      ["/v1/blobs?algorithm=sha1", { method: "POST", body: secretBytes }],
    ];
    for (const [path, asked] of refused) {
      expect([path, (await ask("ci", path, asked)).status]).toEqual([path, 403]);
      expect((await ask("free", path, asked)).status).toBeLessThan(300);
    }
  });

  test("does not learn of tags beside its own by any spelling", async () => {
    // Encoded twice, with another case, with dots: refused before anything is looked up.
    const spellings: [string, number][] = [
      ["theirs%2Fsecret", 403],
      ["mine%2F..%2Ftheirs%2Fsecret", 400],
      ["mine%252F..%252Ftheirs", 400],
      ["mine%2f%2e%2e%2ftheirs", 400],
      ["mine-b", 403],
      ["MINE", 403],
      ["mine%00", 400],
      ["mine%5c..%5ctheirs", 400],
      ["%6dine-x", 403],
    ];
    for (const [spelling, status] of spellings) {
      for (const end of ["", "/blob", "/history"]) {
        const response = await ask("ci", `/v1/tags/${spelling}${end}`);
        expect([spelling, end, response.status]).toEqual([spelling, end, status]);
      }
    }
  });
});

describe("a token of another namespace", () => {
  test("finds nothing of the first, and shares no blob with it", async () => {
    // The same digest and the same tag, asked for from both sides.
    const at = `/v1/blobs/${secretDigest}`;
    expect((await ask("free", at)).status).toBe(200);
    expect((await ask("team", at)).status).toBe(404);
    expect((await ask("team", "/v1/tags/theirs%2Fsecret")).status).toBe(404);
    const missing = { method: "POST", body: JSON.stringify([secretDigest]) };
    expect(await (await ask("team", "/v1/blobs/missing", missing)).json()).toEqual([secretDigest]);
    expect(await (await ask("free", "/v1/blobs/missing", missing)).json()).toEqual([]);
    expect((await tag("team", "x", secretDigest)).status).toBe(201);
    expect((await ask("team", "/v1/tags/x/blob")).status).toBe(404);
    const put = await ask("team", at, { method: "PUT", body: secretBytes });
    expect(put.status).toBe(201);
    expect((await ask("team", at, { method: "DELETE" })).status).toBe(204);
    expect((await ask("free", at)).status).toBe(200);
  });

  test("is named to nobody who only asks whether the server is ready", async () => {
    // Anybody may ask that, and namespaces may bear the names of those whom they are for.
    expect((await ask("team", "/v1/tags")).status).toBe(200);
    const response = await fetch(`${server.url}/readyz`);
    const { tiers } = (await response.json()) as { tiers: { namespace: string }[] };
    expect(tiers.map(({ namespace }) => namespace)).toEqual(["default"]);
  });
});

test("the audit tells who did all that, and nothing of who only read", async () => {
  // Each write by its token; a refused one never began.
  const found: string[] = [];
  for await (const { principal, namespace, operation, phase, result, requestId } of readAudit(
    audit,
  )) {
    expect(requestId).toBeDefined();
    if (phase === "outcome") found.push(`${principal} ${namespace} ${operation} ${result}`);
  }
  expect(found).toContain("ci default put created");
  expect(found).toContain("ci default tag.set done");
  expect(found).toContain("team team delete done");
  expect(found.some((line) => line.startsWith("other-ci"))).toBe(false);
});
