import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { setTimeout as later } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Io } from "../src/frame/io.ts";
import { openStore } from "../src/store/open-store.ts";
import { sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

/**
 * What disks do to the command line: one that is not mounted, one with a file where a directory was,
 * one whose only copy has gone bad. Nothing of that is "not found", and none is a mistake in the config.
 */
describe("bad weather", () => {
  let place: Place;
  beforeEach(async () => {
    place = await openPlace();
    await writeFile(place.path("a.txt"), "hello\n");
    await writeFile(place.path("b.txt"), "other\n");
  });
  afterEach(async () => place[Symbol.asyncDispose]());

  const digest = sha256("hello\n");
  async function unmount(): Promise<void> {
    await rename(place.path("mnt"), place.path("mnt.away"));
    await mkdir(place.path("mnt"));
  }

  it.each(["{ name: main, url: ./mnt/origin, origin: true }", "{ name: main, url: ./mnt/origin }"])(
    "does not make an unmounted origin anew: %s",
    async (tier) => {
      const config = `tiers: [${tier}]\nmetadata: ./tags\n`;
      await writeFile(place.path("bitstore.yaml"), config);
      expect((await place.run(["put", "a.txt"])).status).toBe(0);
      expect((await place.run(["tag", "set", "greeting", digest])).status).toBe(0);
      expect((await place.run(["gc", "--enable"])).status).toBe(0);
      await unmount();
      const got = await place.run(["get", digest]);
      expect([got.status, got.stdout]).toEqual([7, ""]);
      for (const args of [["has", "--durable", digest], ["put", "b.txt"], ["gc"], ["doctor"]]) {
        expect((await place.run(args)).status, args.join(" ")).toBe(7);
      }
      const put = await place.run(["put", "b.txt"]);
      expect([put.status, put.stdout]).toEqual([7, ""]);
      expect(put.stderr).toContain("was there before and is gone; mount it");
      expect(await readdir(place.path("mnt"))).toEqual([]);

      await writeFile(place.path("bitstore.yaml"), `${config}ack: cache\n`);
      expect((await place.run(["put", "b.txt"])).status).toBe(0);
      await rm(place.path("mnt"), { recursive: true });
      await rename(place.path("mnt.away"), place.path("mnt"));
      expect((await place.run(["get", digest])).stdout).toBe("hello\n");
      expect((await place.run(["journal", "drain"])).status).toBe(0);
      const durable = await place.run(["has", "--durable", sha256("other\n")]);
      expect(durable.status).toBe(0);
    },
  );

  it("reads past a tier that is a file, and journals for an origin that is one", async () => {
    await place.run(["put", "a.txt", "--tier", "./second", "--metadata", "./tags"]);
    await writeFile(place.path("first"), "");
    const tiers = ["--tier", "./first?origin", "--tier", "./second"];
    const got = await place.run(["get", digest, ...tiers, "-v"]);
    expect(got).toMatchObject({ status: 0, stdout: "hello\n" });
    expect(got.stderr).toContain("the root is no directory");
    expect(await place.run(["put", "b.txt", ...tiers])).toMatchObject({ status: 7 });
    const config = "tiers: [{ url: ./first, origin: true }]\nmetadata: ./tags\nack: cache\n";
    await writeFile(place.path("bitstore.yaml"), config);
    expect(await place.run(["put", "b.txt"])).toMatchObject({ status: 0 });
  });

  it("reads without a cache that can't be opened, but ends for a directory of something else", async () => {
    await place.run(["put", "a.txt"]);
    await writeFile(place.path("full"), "");
    const get = async (cache: string) =>
      await place.run(["get", digest, "-v", "--cache", cache, "--tier", "./.bitstore/blobs"]);
    const got = await get("./full");
    expect([got.status, got.stdout]).toEqual([0, "hello\n"]);
    expect(got.stderr).toContain("it is no directory");
    await mkdir(place.path("thesis"));
    await writeFile(place.path("thesis/a.tex"), "years of work");
    expect((await get("./thesis")).status).toBe(2);
  });

  it("says how the only copy is put right that has gone bad", async () => {
    await place.run(["put", "a.txt"]);
    const names = await readdir(place.path(".bitstore/blobs/sha256"), { recursive: true });
    const copy = place.path(
      ".bitstore/blobs/sha256",
      names.find((name) => name.endsWith(digest.slice(7))) ?? "",
    );
    await rm(copy);
    await writeFile(copy, "jello\n");
    const got = await place.run(["get", digest]);
    expect(got.status).toBe(7);
    expect(got.stderr).toMatch(/^hint: bitstore verify sha256:.*`bitstore put`/m);
    await place.run(["put", "a.txt"]);
    expect(await readFile(copy, "utf8")).toBe("hello\n");
  });

  it("closes a store at once where its time is over, whatever the origin does", async () => {
    // The origin takes connections and never answers. An upload under way is else given a second.
    const server = createServer((socket) => void socket.on("error", () => undefined).resume());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const options = "region=us-east-1&pathStyle=true&anonymous=true";
    const url = `s3://bucket/?endpoint=http://127.0.0.1:${port}&${options}`;
    const text = `tiers: [{ url: "${url}", origin: true }]\nmetadata: ./tags\nack: cache\n`;
    await writeFile(place.path("bitstore.yaml"), text);
    const io: Io = {
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      env: { HOME: place.folder },
      cwd: place.folder,
      onSignal: () => () => undefined,
      onHangUp: () => () => undefined,
      end: () => undefined,
    };
    const over = new AbortController();
    const choice = { tiers: [], metadata: undefined, config: undefined, hurry: over.signal };
    const opened = await openStore(choice, io, new AbortController().signal);
    await opened.store.put(Buffer.from("hello\n"));
    over.abort();
    const closed = opened[Symbol.asyncDispose]().then(() => "closed");
    expect(await Promise.race([closed, later(900, "still open")])).toBe("closed");
    server.close();
  });
});
