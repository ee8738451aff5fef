import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { cp, rename, writeFile } from "node:fs/promises";
import { get, type IncomingMessage, request } from "node:http";
import { mintToken } from "@bitstore/server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openPlace, type Place } from "./support/run-bitstore.ts";
import { serving } from "./support/serving.ts";

// What signals do to a server with work under way: SIGTERM lets it finish, SIGHUP changes the rules
// beneath it.

const MiB = 2 ** 20;

let place: Place;
beforeEach(async () => {
  place = await openPlace();
});
afterEach(() => place[Symbol.asyncDispose]());

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

test("SIGTERM in the middle of a download and an upload lets both finish", async () => {
  const { url, running } = await serving(place.start(["serve", "--port", "0"]));
  const bytes = randomBytes(64 * MiB);
  const put = await fetch(`${url}/v1/blobs`, { method: "POST", body: bytes });
  const { digest } = (await put.json()) as { digest: string };

  // Nobody reads on, so that the server has most of it still to send.
  const download = get(`${url}/v1/blobs/${digest}`, { agent: false });
  const [answer] = (await once(download, "response")) as [IncomingMessage];
  // It is told to go on only when the server reads the body.
  const own = randomBytes(64 * MiB);
  const headers = { "content-length": own.byteLength, expect: "100-continue" };
  const upload = request(`${url}/v1/blobs`, { method: "POST", headers, agent: false });
  upload.flushHeaders();
  await once(upload, "continue");
  upload.write(own.subarray(0, MiB));

  running.child.kill("SIGTERM");
  const answers = (): Promise<boolean> =>
    fetch(`${url}/livez`).then(
      () => true,
      () => false,
    );
  while (await answers());

  upload.end(own.subarray(MiB));
  const [stored] = (await once(upload, "response")) as [IncomingMessage];
  expect(stored.statusCode).toBe(201);
  expect(JSON.parse(Buffer.concat(await stored.toArray()).toString())).toEqual({
    digest: digestOf(own),
    size: own.byteLength,
  });
  expect(digestOf(Buffer.concat(await answer.toArray()))).toBe(digest);
  expect(await running.ended).toMatchObject({ status: 0 });
});

test("SIGTERM tells why the audit log could not be ended", async () => {
  const { token, hash } = mintToken();
  const tokens = [{ name: "ops", hash, scopes: ["write"] }];
  const config = {
    tiers: [{ url: "./blobs" }],
    metadata: "./metadata",
    server: { port: 0, auth: { tokens } },
  };
  await writeFile(place.path("bitstore.json"), JSON.stringify(config));
  const { url, running } = await serving(place.start(["serve"]));
  const init = { method: "POST", body: "one", headers: { authorization: `Bearer ${token}` } };
  expect((await fetch(`${url}/v1/blobs`, init)).status).toBe(201);
  // Somebody put a backup in the place of the directory.
  await cp(place.path("metadata"), place.path("backup"), { recursive: true });
  await rename(place.path("metadata"), place.path("was"));
  await rename(place.path("backup"), place.path("metadata"));
  const refused = await fetch(`${url}/v1/blobs`, init);
  expect(refused.status).toBe(503);
  // Where the log lies is the operator's to know.
  expect(await refused.text()).not.toContain("directory");
  running.child.kill("SIGTERM");
  const ended = await running.ended;
  expect(ended).toMatchObject({ status: 7 });
  expect(ended.stderr).toContain("can't be written, so nothing may be (UNAVAILABLE)");
  expect(ended.stderr).toMatch(/"because":"[^"]*the root is another directory/);
});

test("SIGHUP reads the config anew, and a broken one changes nothing", async () => {
  const configure = (server: object): Promise<void> =>
    writeFile(
      place.path("bitstore.json"),
      JSON.stringify({ tiers: [{ url: "./blobs" }], metadata: "./metadata", server }),
    );
  const { token, hash } = mintToken();
  const auth = { tokens: [{ name: "ops", hash, scopes: ["read", "write"] }] };
  await configure({ port: 0 });
  const { url, running, line } = await serving(place.start(["serve"]));
  const post = async (body: string, headers: Record<string, string> = {}): Promise<number> =>
    (await fetch(`${url}/v1/blobs`, { method: "POST", headers, body })).status;
  const known = { authorization: `Bearer ${token}` };
  const reload = async (says: RegExp): Promise<string> => {
    const said = line(says);
    running.child.kill("SIGHUP");
    return await said;
  };
  expect(await post("one")).toBe(201);

  await configure({ port: 0, auth, audit: false });
  expect(await reload(/reloaded/)).toBe("reloaded");
  expect([await post("two"), await post("two", known)]).toEqual([401, 201]);

  await writeFile(place.path("bitstore.json"), "{");
  expect(JSON.parse(await reload(/reloaded/))).toMatchObject({
    level: "error",
    message: "the config was not reloaded, and holds as it was",
  });
  expect([await post("three"), await post("three", known)]).toEqual([401, 201]);

  // To listen elsewhere it must be started again; what comes with it holds at once.
  const limits = { blobBytes: 10 };
  await configure({ port: 1, auth, audit: false, limits, log: "info", drainSeconds: 1 });
  expect(await reload(/reloaded/)).toBe(
    "reloaded; a restart is needed for server.port, server.drainSeconds",
  );
  const logged = line(/POST \/v1\/blobs 413/);
  expect(await post("twelve bytes", known)).toBe(413);
  await logged;

  // Nobody would be asked who they are, where anybody can come.
  await configure({ port: 0, host: "0.0.0.0" });
  expect(await reload(/reloaded/)).toContain("without authentication");
  expect(await post("four")).toBe(401);
  running.child.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ status: 0 });
});
