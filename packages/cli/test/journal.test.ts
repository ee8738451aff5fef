import { once } from "node:events";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seeded, sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

const config = `tiers:
  - { name: blobs, url: ./disk/blobs }
metadata: ./tags
ack: cache
`;

/**
 * Shows `ack: cache` on the command line. The origin is a directory on a disk that is not there: what
 * would be its mount point is a file, so that whatever is asked of it fails until that is a folder.
 */
describe("ack: cache", () => {
  let place: Place;
  beforeEach(async () => {
    place = await openPlace();
    await writeFile(place.path("bitstore.yaml"), config);
    await writeFile(place.path("disk"), "not mounted");
    await writeFile(place.path("a.txt"), "hello\n");
  });
  afterEach(async () => place[Symbol.asyncDispose]());

  const digest = sha256("hello\n");
  async function mount(): Promise<void> {
    await rm(place.path("disk"));
    await mkdir(place.path("disk"));
  }
  /** Names of the files that the origin has. */
  async function atOrigin(): Promise<readonly string[]> {
    const names = await readdir(place.path("disk/blobs"), { recursive: true }).catch(() => []);
    return names.map((name) => name.slice(name.lastIndexOf("/") + 1));
  }

  it("acknowledges a put while the origin is down, and says where the blob is", async () => {
    const put = await place.run(["put", "a.txt"]);
    expect(put).toMatchObject({ status: 0, stdout: `${digest}  a.txt\n` });
    expect(put.stderr).toMatch(
      /^note: 1 blob, 6 B in the journal, on the way to the origin; .*\n$/,
    );
    const json = await place.run(["put", "--json", "a.txt"]);
    expect(json.records).toEqual([
      { digest, size: 6, name: "a.txt", outcome: "existed", durable: false },
    ]);
    expect((await place.run(["get", digest])).stdout).toBe("hello\n");
    expect((await place.run(["has", digest])).stdout).toBe(`${digest}  present\n`);
    expect(await place.run(["has", "--durable", digest])).toMatchObject({ status: 7 });
    const explained = await place.run(["explain", "--json", digest]);
    expect(explained.records).toMatchObject([{ outcome: "found", tier: "pending" }]);
    const status = await place.run(["journal", "status", "--json"]);
    const known = { pendingEntries: 1, pendingBytes: 6, failedEntries: 0 };
    expect(status.records).toMatchObject([known]);
    expect((await place.run(["journal", "status"])).stdout).toMatch(
      /^pending {2}1 blob, 6 B of 10/,
    );
    expect(await atOrigin()).toEqual([]);
  });

  it("drains to the origin once that is back, and then has nothing pending", async () => {
    await place.run(["put", "a.txt"]);
    const early = await place.run(["journal", "drain", "--timeout", "1s"]);
    expect(early).toMatchObject({ status: 7, stdout: "1 blob left in the journal\n" });
    expect(early.stderr).toContain("it stays in the journal");
    await mount();
    const drained = await place.run(["journal", "drain", "--json"]);
    expect(drained).toMatchObject({ status: 0, stderr: "" });
    expect(drained.records).toMatchObject([{ pendingEntries: 0, failedEntries: 0 }]);
    expect(await atOrigin()).toContain(digest.slice(7));
    expect((await place.run(["has", "--durable", digest])).stdout).toBe(`${digest}  present\n`);
    const again = await place.run(["put", "--json", "a.txt"]);
    expect(again.records).toMatchObject([{ digest, outcome: "created" }]);
  });

  it("loses nothing that was acknowledged before a kill -9", async () => {
    // Each run puts files of its own and is killed after some of its lines, at a moment of the next put.
    const acknowledged = new Set<string>();
    for (let round = 0; round < 4; round += 1) {
      const names = Array.from({ length: 40 }, (_, at) => `${round}-${at}`);
      for (const [at, name] of names.entries()) {
        await writeFile(place.path(name), seeded(20_000 + at, round * 100 + at + 1));
      }
      const { child, ended } = place.start(["put", ...names]);
      child.stdin?.end();
      if (child.stdout === null) throw new TypeError("its stdout is a pipe");
      let lines = 0;
      createInterface({ input: child.stdout }).on("line", () => {
        lines += 1;
        if (lines === 1 + round * 9) child.kill("SIGKILL");
      });
      const { stdout, signal } = await ended;
      expect(signal).toBe("SIGKILL");
      const whole = stdout.slice(0, stdout.lastIndexOf("\n") + 1);
      for (const [found] of whole.matchAll(/sha256:[0-9a-f]{64}/g)) acknowledged.add(found);
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(4);
    await mount();
    expect(await place.run(["journal", "drain"])).toMatchObject({ status: 0 });
    const names = new Set(await atOrigin());
    expect([...acknowledged].filter((each) => !names.has(each.slice(7)))).toEqual([]);
    const verified = await place.run(["verify", "--quiet"]);
    expect(verified).toMatchObject({ status: 0 });
  });

  it("lets a tag wait until its blob is at the origin", async () => {
    await place.run(["put", "a.txt"]);
    const { child, ended } = place.start(["tag", "set", "greeting", digest]);
    child.stdin?.end();
    const [note] = (await once(child.stderr ?? child, "data")) as [Buffer];
    expect(note.toString()).toContain(`waiting for the upload of ${digest}`);
    expect(child.exitCode).toBeNull();
    await mount();
    expect(await ended).toMatchObject({ status: 0, stdout: `${digest}  greeting@1\n` });
    expect(await atOrigin()).toContain(digest.slice(7));
  });

  it("tags a collection once all of its files are at the origin", async () => {
    await mkdir(place.path("site"));
    for (let n = 0; n < 20; n += 1)
      await writeFile(place.path("site", `${n}`), seeded(1000, n + 1));
    await place.run(["put", ...Array.from({ length: 20 }, (_, n) => `site/${n}`)]);
    const { child, ended } = place.start(["tag", "set", "site", "--collection", "site"]);
    child.stdin?.end();
    const [note] = (await once(child.stderr ?? child, "data")) as [Buffer];
    expect(note.toString()).toContain("waiting for the upload of its files");
    await mount();
    expect(await ended).toMatchObject({ status: 0 });
    // Without the journal, which another machine does not have.
    await rm(place.path(".bitstore"), { recursive: true });
    const got = await place.run(["get", "@site", "-o", "copy"]);
    expect(got.status).toBe(0);
    expect(await readdir(place.path("copy"))).toHaveLength(20);
  });

  it("never brings back what was deleted while it was pending", async () => {
    // Once while the origin is down, where the rest of the delete fails, and once while it is back, where
    // the process that deletes has begun to upload.
    await place.run(["put", "a.txt"]);
    const half = await place.run(["rm", digest]);
    expect(half.status).toBe(7);
    expect((await place.run(["journal", "status", "--json"])).records).toMatchObject([
      { pendingEntries: 0 },
    ]);
    await place.run(["put", "a.txt"]);
    await mount();
    expect(await place.run(["rm", digest])).toMatchObject({ status: 0 });
    expect(await place.run(["journal", "drain"])).toMatchObject({ status: 0 });
    expect(await atOrigin()).not.toContain(digest.slice(7));
    expect((await place.run(["has", digest])).stdout).toBe(`${digest}  missing\n`);
  });

  it("lets several processes put at once: one has the journal, the others the origin", async () => {
    await mount();
    const names = ["1", "2", "3", "4"];
    for (const name of names) await writeFile(place.path(name), seeded(500_000, Number(name)));
    const puts = await Promise.all(names.map((name) => place.run(["put", name])));
    expect(puts.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(await place.run(["journal", "drain"])).toMatchObject({ status: 0 });
    const there = new Set(await atOrigin());
    for (const { stdout } of puts) expect(there).toContain(stdout.slice(7, 71));
  });

  it("lists what the origin refuses for good, and exits with 7", async () => {
    await using server = createServer((request, response) => {
      request.resume();
      response.writeHead(request.method === "PUT" ? 403 : 404).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/{hex}`;
    const tier = `{ name: api, url: "${url}", put: true, head: true, origin: true }`;
    await writeFile(place.path("bitstore.yaml"), `tiers:\n  - ${tier}\nack: cache\n`);
    expect(await place.run(["put", "a.txt"])).toMatchObject({ status: 0 });
    const drained = await place.run(["journal", "drain", "--json"]);
    expect(drained.status).toBe(7);
    expect(drained.records).toMatchObject([
      { digest, status: "failed", error: { code: "PERMISSION_DENIED" } },
      { pendingEntries: 1, failedEntries: 1 },
    ]);
    expect((await place.run(["get", digest])).stdout).toBe("hello\n");
  });

  it("says where there is no journal to look at", async () => {
    const other = await place.run(["journal", "drain", "--tier", "./other"]);
    expect(other).toMatchObject({ status: 2, stdout: "" });
    expect(other.stderr).toMatch(/^bitstore: journal: there is no journal: puts go to the origin/);
  });
});
