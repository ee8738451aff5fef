import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { StoreError } from "@bitstore/core";
import {
  httpReference,
  mintToken,
  openAccess,
  openApiText,
  parseAccess,
  staticDocument,
} from "@bitstore/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openServer, type OpenServer } from "./support/open-server.ts";

// What is declared is what is there: the committed documents are those of the routes, the served one is
// the committed one, and every status of every operation is met by a live request.

const docs = new URL("../../../docs/", import.meta.url);
const document = staticDocument();
const read = (name: string): Promise<string> => readFile(new URL(name, docs), "utf8");

test("docs/openapi.json and docs/http-api.md are up to date", async () => {
  expect(await read("openapi.json")).toBe(openApiText(document));
  expect(await read("http-api.md")).toBe(httpReference(document));
});

test("the reference says what a request may be, without the code", async () => {
  const page = await read("http-api.md");
  for (const row of [
    "| `n` | query | integer, 1 to 1000 | Blobs on a page |",
    "| `digest` | Digest | required |",
    "| `reason` | string, 1024 characters at most |",
    "| `INDETERMINATE` | 503 |",
    "tags?prefix=models/",
  ]) {
    expect(page).toContain(row);
  }
});

test("the patterns of conditions fit what the server stores and takes", () => {
  const patternOf = (path: string, method: string, name: string): RegExp => {
    const found = document.paths[path]?.[method]?.parameters?.find((each) => each.name === name);
    return new RegExp((found?.schema as { pattern?: string } | undefined)?.pattern ?? "^$");
  };
  const hex = "0".repeat(64);
  for (const algorithm of ["sha256", "sha3-256", "blake3"]) {
    const tag = `"${algorithm}:${hex}"`;
    expect(tag).toMatch(patternOf("/v1/blobs/{digest}", "get", "If-None-Match"));
    expect(tag).toMatch(patternOf("/v1/blobs/{digest}", "get", "If-Match"));
    expect(tag).toMatch(patternOf("/v1/tags/{tag}", "put", "If-Match"));
  }
  expect('"6"').toMatch(patternOf("/v1/tags/{tag}", "put", "If-Match"));
  expect("*").toMatch(patternOf("/v1/tags/{tag}", "put", "If-Match"));
  expect("6 or so").not.toMatch(patternOf("/v1/tags/{tag}", "put", "If-Match"));
});

interface Call {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const json = { "content-type": "application/json" };
const none = `sha256:${"0".repeat(64)}`;
const hello = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const large = "x".repeat(300_000);
const blob = (rest = ""): string => `/v1/blobs/${hello}${rest}`;
const sent = (body: string): Pick<Call, "headers" | "body"> => ({ headers: json, body });

const badTag = "/v1/tags/a%20b";
const bytesAt = (path: string, method: string): Record<string, Call> => ({
  200: { method, path },
  304: { method, path, headers: { "if-none-match": "*" } },
  400: { method, path: `${path}?x=1` },
  412: { method, path, headers: { "if-match": `"${none}"` } },
  ...(method === "HEAD"
    ? {}
    : {
        206: { method, path, headers: { range: "bytes=1-2" } },
        416: { method, path, headers: { range: "bytes=9-" } },
      }),
});

/** A request for each status that each operation declares, but for those that every one has. */
const calls: Record<string, Record<string, Call>> = {
  postBlob: {
    200: { path: "/v1/blobs", body: "hello" },
    201: { path: "/v1/blobs", body: "new by post" },
    400: { path: "/v1/blobs?algorithm=md5", body: "x" },
    413: { path: "/v1/blobs", body: "x".repeat(600_000) },
  },
  putBlob: {
    200: { path: blob(), body: "hello" },
    201: {
      path: "/v1/blobs/sha256:ff39fdf2a56a1f7b1a2e7b3f6b2a4f8c0f7a8b6a7a0e1f0f8f9d6f8e6f0c1d2e",
      body: "",
    },
    400: { path: "/v1/blobs/x", body: "hello" },
    413: { path: blob(), body: "x".repeat(600_000) },
    422: { path: blob(), body: "other" },
  },
  getBlob: { ...bytesAt(blob(), "GET"), 404: { path: `/v1/blobs/${none}` } },
  headBlob: { ...bytesAt(blob(), "HEAD"), 404: { path: `/v1/blobs/${none}` } },
  deleteBlob: {
    204: { path: blob() },
    400: { path: "/v1/blobs/x" },
    404: { path: `/v1/blobs/${none}` },
  },
  listBlobs: { 200: { path: "/v1/blobs" }, 400: { path: "/v1/blobs?n=x" } },
  missingBlobs: {
    200: { path: "/v1/blobs/missing", ...sent(`["${none}"]`) },
    400: { path: "/v1/blobs/missing", ...sent("{}") },
    413: { path: "/v1/blobs/missing", ...sent(`["${none}","${none}","${none}","${none}"]`) },
  },
  fetchBlobs: {
    200: { path: "/v1/blobs/fetch", ...sent(`["${hello}"]`) },
    400: { path: "/v1/blobs/fetch", ...sent("{}") },
    413: { path: "/v1/blobs/fetch", ...sent(`["${none}","${none}","${none}","${none}"]`) },
  },
  explainBlob: { 200: { path: `/v1/explain/${hello}` }, 400: { path: "/v1/explain/x" } },
  listTags: { 200: { path: "/v1/tags" }, 400: { path: "/v1/tags?n=0" } },
  getTag: {
    200: { path: "/v1/tags/t" },
    304: { path: "/v1/tags/t", headers: { "if-none-match": "*" } },
    400: { path: badTag },
    404: { path: "/v1/tags/never" },
  },
  putTag: {
    200: { path: "/v1/tags/t", ...sent(`{"digest":"${hello}"}`) },
    201: { path: "/v1/tags/new", ...sent(`{"digest":"${hello}"}`) },
    400: { path: badTag, ...sent(`{"digest":"${hello}"}`) },
    404: { path: "/v1/tags/t", ...sent(`{"digest":"${none}"}`) },
    412: {
      path: "/v1/tags/t",
      headers: { ...json, "if-match": '"99"' },
      body: `{"digest":"${hello}"}`,
    },
    413: { path: "/v1/tags/t", ...sent(large) },
  },
  annotateTag: {
    200: { path: "/v1/tags/t", ...sent('{"annotations":{}}') },
    400: { path: "/v1/tags/t", ...sent("{}") },
    404: { path: "/v1/tags/never", ...sent('{"annotations":{}}') },
    412: {
      path: "/v1/tags/t",
      headers: { ...json, "if-match": '"99"' },
      body: '{"annotations":{}}',
    },
    413: { path: "/v1/tags/t", ...sent(large) },
  },
  getTagBlob: { ...bytesAt("/v1/tags/t/blob", "GET"), 404: { path: "/v1/tags/never/blob" } },
  headTagBlob: { ...bytesAt("/v1/tags/t/blob", "HEAD"), 404: { path: "/v1/tags/never/blob" } },
  tagHistory: { 200: { path: "/v1/tags/t/history" }, 400: { path: `${badTag}/history` } },
  rollbackTag: {
    200: { path: "/v1/tags/t/rollback", ...sent('{"seq":1}') },
    400: { path: "/v1/tags/t/rollback", ...sent('{"seq":0}') },
    404: { path: "/v1/tags/t/rollback", ...sent('{"seq":999}') },
    412: {
      path: "/v1/tags/t/rollback",
      headers: { ...json, "if-match": '"99"' },
      body: '{"seq":1}',
    },
    413: { path: "/v1/tags/t/rollback", ...sent(large) },
  },
  watchTag: { 200: { path: "/v1/tags/t/watch" }, 400: { path: `${badTag}/watch` } },
  verifyTag: { 200: { path: "/v1/tags/t/verify" }, 400: { path: `${badTag}/verify` } },
  deleteTag: {
    200: { path: "/v1/tags/deleted" },
    400: { path: badTag },
    404: { path: "/v1/tags/never" },
    412: { path: "/v1/tags/t", headers: { "if-match": '"99"' } },
  },
  listTiers: { 200: { path: "/v1/tiers" } },
  livez: { 200: { path: "/livez" } },
  readyz: { 200: { path: "/readyz" } },
  metrics: { 200: { path: "/metrics" } },
  openapi: { 200: { path: "/openapi.json" } },
};

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

describe("each declared status is met:", () => {
  const [all, few] = [mintToken(), mintToken()];
  let served: OpenServer;
  let broken: OpenServer;
  const send = async (
    { method, path, headers, body }: Call,
    fallback: string,
    token: string | undefined = all.token,
  ): Promise<Response> => {
    const controller = new AbortController();
    const response = await fetch(`${served.url}${path}`, {
      method: method ?? fallback.toUpperCase(),
      headers: { ...headers, ...(token === "" ? {} : { authorization: `Bearer ${token}` }) },
      signal: controller.signal,
      ...(body === undefined ? {} : { body }),
    });
    // A watch has no end of its own.
    if (response.headers.get("content-type") === "text/event-stream") controller.abort();
    else await response.arrayBuffer();
    return response;
  };
  const put = async (body: string): Promise<string> => {
    const init = { method: "POST", body, headers: { authorization: `Bearer ${all.token}` } };
    const response = await fetch(`${served.url}/v1/blobs`, init);
    return ((await response.json()) as { digest: string }).digest;
  };
  beforeAll(async () => {
    const scopes = ["read", "write", "delete", "tag", "admin"];
    const tokens = [
      { name: "all", hash: all.hash, scopes },
      { name: "few", hash: few.hash, scopes: ["read"], tagPrefixes: ["nothing/here"] },
    ];
    const access = openAccess(parseAccess({ auth: { tokens } }, "127.0.0.1"), {
      host: "127.0.0.1",
      secrets: [],
    });
    const limits = { blobBytesMax: 500_000, listedDigestsMax: 3 };
    served = await openServer({ access, limits });
    broken = await openServer({
      open: () => {
        const message = "it is not there today";
        return Promise.reject(new StoreError({ code: "UNAVAILABLE", operation: "open", message }));
      },
    });
    await put("hello");
    for (const name of ["t", "deleted"]) {
      const body = `{"digest":"${hello}"}`;
      await send({ method: "PUT", path: `/v1/tags/${name}`, ...sent(body) }, "put");
    }
  });
  afterAll(async () => {
    await served[Symbol.asyncDispose]();
    await broken[Symbol.asyncDispose]();
  });

  test("every operation has its requests here", () => {
    expect(Object.keys(calls).sort()).toEqual(
      operations.map(({ operation }) => operation.operationId).sort(),
    );
  });

  test.each(operations.map((each) => [each.operation.operationId, each] as const))(
    "%s",
    async (id, { path, method, operation }) => {
      const statuses = Object.keys(operation.responses).filter((each) => each !== "default");
      const own = calls[id] ?? {};
      for (const status of statuses) {
        if (id === "readyz" && status === "503") {
          expect((await fetch(`${broken.url}/readyz`)).status).toBe(503);
          continue;
        }
        const about = `${id} ${status}`;
        const some = Object.values(own)[0] ?? { path: "" };
        let response: Response;
        if (status === "401") response = await send(some, method, "");
        else if (status === "403") response = await send(some, method, few.token);
        else {
          const call = own[status];
          if (call === undefined) throw new Error(`no request for ${about}`);
          response = await send(await prepared(call, id, status), call.method ?? method);
        }
        expect([about, response.status]).toEqual([about, Number(status)]);
        // What it is, is what was declared of that status.
        const media = Object.keys(operation.responses[status]?.content ?? {});
        const said = response.headers.get("content-type")?.split(";")[0];
        if (media.length > 0) expect([about, media]).toEqual([about, [said]]);
      }
      expect(path).toMatch(/^\//);
    },
  );

  /** Some requests need what only a run can know. */
  async function prepared(call: Call, id: string, status: string): Promise<Call> {
    if (id === "deleteBlob" && status === "204") {
      return { ...call, path: `/v1/blobs/${await put("to be deleted")}` };
    }
    if (id !== "putBlob" || status !== "201") return call;
    const body = "new by put";
    const digest = await put(body);
    await send({ method: "DELETE", path: `/v1/blobs/${digest}` }, "delete");
    return { path: `/v1/blobs/${digest}`, body };
  }

  test("the served document is the committed one", async () => {
    const response = await fetch(`${served.url}/openapi.json`);
    expect(await response.json()).toEqual(JSON.parse(await read("openapi.json")));
  });

  test("each example is a command that succeeds", { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "bitstore-examples-"));
    const { token, hash } = mintToken();
    const scopes = ["read", "write", "delete", "tag", "admin"];
    const parsed = parseAccess({ auth: { tokens: [{ name: "all", hash, scopes }] } }, "127.0.0.1");
    const access = openAccess(parsed, { host: "127.0.0.1", secrets: [] });
    await using own = await openServer({ access });
    try {
      await writeFile(join(folder, "model.bin"), "test");
      const { digest } = await own.store.put(Buffer.from("test"));
      const named = await fetch(`${own.url}/v1/tags/models%2Fprod`, {
        method: "PUT",
        headers: { ...json, authorization: `Bearer ${token}` },
        body: JSON.stringify({ digest }),
      });
      expect(named.status).toBe(201);
      // What deletes comes last; what follows a tag has no end.
      const inOrder = [
        ...operations.filter(({ method }) => method !== "delete"),
        ...operations.filter(({ method }) => method === "delete"),
      ].filter(({ operation }) => operation.operationId !== "watchTag");
      for (const { operation } of inOrder) {
        const command = (operation["x-codeSamples"][0]?.source ?? "").replace(
          /^curl /,
          "curl -sSf ",
        );
        const env = {
          ...process.env,
          BITSTORE: own.url,
          BITSTORE_TOKEN: token,
          NO_PROXY: "127.0.0.1",
        };
        const ended = await promisify(execFile)("sh", ["-c", command], { cwd: folder, env }).then(
          () => "succeeded",
          (error: Error) => error.message,
        );
        expect([operation.operationId, ended]).toEqual([operation.operationId, "succeeded"]);
      }
      expect(await readFile(join(folder, "model.bin"), "utf8")).toBe("test");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("any other error is a problem too, of every operation that needs a workspace", async () => {
    for (const { method, operation } of operations) {
      if (operation["x-bitstore-scope"] === "public" || operation.operationId === "metrics")
        continue;
      const call = Object.values(calls[operation.operationId] ?? {})[0] ?? { path: "" };
      const response = await fetch(`${broken.url}${call.path}`, {
        method: call.method ?? method.toUpperCase(),
        headers: call.headers ?? {},
        ...(call.body === undefined ? {} : { body: call.body }),
      });
      expect([operation.operationId, response.status]).toEqual([operation.operationId, 503]);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
    }
  });
});
