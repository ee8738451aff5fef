import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestOf } from "@bitstore/core";
import type { Principal, Scope } from "../../src/access/principal.ts";
import { createReceipts } from "../../src/access/receipts.ts";
import type { RouteAccess } from "../../src/access/route-access.ts";
import { allRoutes } from "../../src/routes/all-routes.ts";
import type { RouteDeclaration } from "../../src/routes/declaration.ts";
import { type Grant, type LiveServer, secret, startServer } from "./live-server.ts";

/**
 * What each route may be used by, written a second time: a route that declares another scope than it
 * should, or that nobody thought of here, fails.
 */
const meant: Readonly<Record<string, readonly [RouteAccess["scope"], RouteAccess["confined"]]>> = {
  postBlob: ["write", "any"],
  putBlob: ["write", "any"],
  getBlob: ["read", "never"],
  headBlob: ["read", "never"],
  deleteBlob: ["delete", "never"],
  listBlobs: ["read", "never"],
  missingBlobs: ["read", "never"],
  fetchBlobs: ["read", "never"],
  explainBlob: ["read", "never"],
  listTags: ["read", "never"],
  getTag: ["read", "tag"],
  putTag: ["tag", "tag"],
  annotateTag: ["tag", "tag"],
  deleteTag: ["tag", "tag"],
  getTagBlob: ["read", "tag"],
  headTagBlob: ["read", "tag"],
  tagHistory: ["read", "tag"],
  rollbackTag: ["tag", "tag"],
  watchTag: ["read", "tag"],
  verifyTag: ["read", "tag"],
  listTiers: ["read", "never"],
  livez: ["public", "any"],
  readyz: ["public", "any"],
  metrics: ["admin", "never"],
  openapi: ["public", "any"],
};

const scopes: readonly Scope[] = ["read", "write", "delete", "tag", "admin"];
const namespaces = ["default", "team"];
/** Tags under the prefix, beside it, and what a careless comparison takes for one under it. */
const tags = ["mine", "mine/a", "mine/a/b", "other/a", "mine-b/a", "Mine/a"];
const bytes = new TextEncoder().encode("what the tags name");
const own = new Set(["mine", "mine/a", "mine/a/b"]);

interface Caller {
  readonly name: string;
  /** Undefined: no credentials, or none that hold. */
  readonly grant: Grant | undefined;
  readonly authorization: string | undefined;
}

const declarations: readonly RouteDeclaration[] = allRoutes({
  ready: () => Promise.resolve({ status: "ready", checks: [], tiers: [] }),
  metrics: undefined,
  document: () => "",
}).map(({ declaration }) => declaration);

const grants: readonly Grant[] = namespaces.flatMap((namespace) =>
  [...scopes.map((scope) => [scope]), [...scopes]].flatMap((list) =>
    [undefined, ["mine"]].map((tagPrefixes): Grant => {
      const name = `${list.join("+")}.${namespace}.${tagPrefixes === undefined ? "free" : "confined"}`;
      return { name: short(name), scopes: list, namespace, ...(tagPrefixes && { tagPrefixes }) };
    }),
  ),
);

function short(name: string): string {
  return name.replace("read+write+delete+tag+admin", "all").replaceAll("+", "-");
}

let server: LiveServer;
let callers: readonly Caller[];
let asked = 0;

beforeAll(async () => {
  server = await startServer(grants);
  for (const namespace of namespaces) {
    const { store, tags: log } = server.behind(namespace);
    const { digest } = await store.put(bytes);
    for (const tag of tags) await log.append(tag, digest);
  }
  callers = [
    ...grants.map((grant): Caller => {
      const authorization = `Bearer ${server.tokens.get(grant.name) ?? ""}`;
      return { name: grant.name, grant, authorization };
    }),
    { name: "nobody", grant: undefined, authorization: undefined },
    { name: "forged", grant: undefined, authorization: `Bearer bst_${"A".repeat(43)}00000000` },
    { name: "basic", grant: undefined, authorization: "Basic YTpi" },
  ];
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Sends a request that asks for as little as it can, and resolves to its status. */
async function ask(
  { operationId, method, path }: RouteDeclaration,
  { grant, authorization }: Caller,
  tag: string | undefined,
): Promise<number> {
  asked += 1;
  const digest = await digestOf(bytes, "sha256");
  const url = path
    .replace("{digest}", operationId === "deleteBlob" ? `sha256:${"1".repeat(64)}` : digest)
    .replace("{tag}", encodeURIComponent(tag ?? ""));
  const json: Readonly<Record<string, unknown>> = {
    missingBlobs: [digest],
    fetchBlobs: [digest],
    putTag: { digest },
    annotateTag: { annotations: { a: "b" } },
    rollbackTag: { seq: 1 },
  };
  const data = json[operationId] === undefined ? bytes : JSON.stringify(json[operationId]);
  const hasBody = operationId in json || operationId === "postBlob" || operationId === "putBlob";
  const headers = new Headers();
  if (authorization !== undefined) headers.set("authorization", authorization);
  if (operationId in json) headers.set("content-type", "application/json");
  if (grant !== undefined) headers.set("bitstore-receipt", receiptOf(grant, digest));
  const abort = new AbortController();
  const response = await fetch(server.url + url, {
    method: method.toUpperCase(),
    headers,
    signal: abort.signal,
    ...(hasBody ? { body: data } : {}),
  });
  // A watch goes on for ever; the rest is small.
  abort.abort();
  return response.status;
}

function receiptOf(grant: Grant, digest: Awaited<ReturnType<typeof digestOf>>): string {
  const principal: Principal = {
    name: grant.name,
    namespace: grant.namespace ?? "default",
    scopes: new Set(grant.scopes),
    tagPrefixes: grant.tagPrefixes,
  };
  return createReceipts([secret], () => new Date()).issue(principal, digest);
}

/** What the rules say, without a look at the code that follows them. */
function expected(operationId: string, { grant }: Caller, tag: string | undefined): string {
  const [scope, confined] = meant[operationId] ?? ["admin", "never"];
  if (scope === "public") return "served";
  if (grant === undefined) return "401";
  if (!grant.scopes.includes(scope)) return "403";
  if (grant.tagPrefixes === undefined || confined === "any") return "served";
  return confined === "tag" && own.has(tag ?? "") ? "served" : "403";
}

describe("who may use which route", () => {
  test("is declared by every route, as it is meant", () => {
    // A route without a scope, with another one, or that is new and not in the table, fails here.
    const declared = declarations.map(({ operationId, scope, confined }) => [
      operationId,
      [scope, confined],
    ]);
    expect(Object.fromEntries(declared)).toEqual(meant);
    for (const { path, confined, scope } of declarations) {
      if (confined === "tag") expect(path).toContain("{tag}");
      if (scope === "public") expect(path).not.toContain("{");
    }
  });

  test("is what the served document says", async () => {
    // The document is what clients and other tests go by.
    const response = await fetch(`${server.url}/openapi.json`);
    const { paths } = (await response.json()) as {
      paths: Record<string, Record<string, Record<string, unknown>>>;
    };
    const served = Object.values(paths).flatMap((methods) =>
      Object.values(methods).map((operation) => [
        operation["operationId"],
        [operation["x-bitstore-scope"], operation["x-bitstore-confined"]],
      ]),
    );
    expect(Object.fromEntries(served)).toEqual(meant);
  });

  for (const declaration of declarations) {
    const { operationId, path } = declaration;
    test(`${operationId}: every scope, namespace, confinement and tag`, {
      timeout: 120_000,
    }, async () => {
      // Whoever may not is told 401 or 403, whatever is there; whoever may is told anything else.
      const wrong: string[] = [];
      for (const caller of callers) {
        for (const tag of path.includes("{tag}") ? tags : [undefined]) {
          const status = await ask(declaration, caller, tag);
          const refused = status === 401 || status === 403;
          const outcome = refused ? String(status) : "served";
          const right = expected(operationId, caller, tag);
          if (outcome !== right) wrong.push(`${caller.name} ${tag ?? ""}: ${status}, not ${right}`);
        }
      }
      expect(wrong).toEqual([]);
    });
  }

  test("was asked of all of them", () => {
    // The size of the matrix: callers times routes, each tag route with each tag.
    const tagged = declarations.filter(({ path }) => path.includes("{tag}")).length;
    const cells = callers.length * (tagged * tags.length + declarations.length - tagged);
    expect(asked).toBe(cells);
    expect(cells).toBeGreaterThan(1500);
  });
});
