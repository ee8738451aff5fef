import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { listenForInterruption } from "../src/frame/interruption.ts";
import { type Io, processIo } from "../src/frame/io.ts";
import { openBlobApi } from "./support/blob-api.ts";
import { seeded, sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

/**
 * Shows that a command which is interrupted, or whose reader has gone, ends soon, leaves nothing
 * behind, and says so by its status. Where something must be under way first, the far side tells.
 */
describe("interruption", () => {
  let place: Place;
  const large = seeded(8 * 2 ** 20, 3);
  beforeAll(async () => {
    place = await openPlace();
    await writeFile(place.path("large.bin"), large);
    await place.run(["put", "large.bin"]);
  });
  afterAll(async () => place[Symbol.asyncDispose]());

  it.each(["SIGINT", "SIGTERM"] as const)("cleans up a get -o upon %s", async (signal) => {
    await using api = await openBlobApi();
    const digest = sha256("a blob that never ends");
    const asked = Promise.withResolvers<void>();
    api.answer(digest, (_request, response) => {
      response.writeHead(200, { "content-length": 2 ** 30 });
      response.write(large, () => asked.resolve());
    });
    const words = ["get", digest, "-o", "half", "--tier", api.url, "--cache", "./near"];
    const { child, ended } = place.start(words);
    await asked.promise;
    await expect
      .poll(async () => (await readdir(place.folder)).some((name) => name.startsWith(".half.")))
      .toBe(true);
    child.kill(signal);
    const { status, stdout, stderr } = await ended;
    expect({ status, stdout }).toEqual({ status: 130, stdout: "" });
    expect(stderr).toBe(`bitstore: get: interrupted by ${signal}\n`);
    expect((await readdir(place.folder)).filter((name) => name.includes("half"))).toEqual([]);
    expect(await readdir(place.path("near", "tmp"))).toEqual([]);
  });

  it("cleans up a put that waits for stdin", async () => {
    const { child, ended } = place.start(["put", "-", "--tier", "./typed"]);
    child.stdin?.write(large);
    // Once the child has taken all of it, it is under way; it waits for the rest.
    await once(child.stdin ?? child, "drain");
    child.kill("SIGINT");
    expect(await ended).toMatchObject({
      status: 130,
      stdout: "",
      stderr: "bitstore: put: interrupted by SIGINT\n",
    });
    expect(await readdir(place.temporary)).toEqual([]);
    expect((await place.run(["ls", "--tier", "./typed"])).stdout).toBe("");
  });

  it("ends a put of a file whose receiver takes nothing", async () => {
    const asked = Promise.withResolvers<IncomingMessage>();
    const server = createServer((request, response) => {
      if (request.method === "PUT") asked.resolve(request);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/{hex}?put=true&origin=true&head=false`;
    const { child, ended } = place.start(["put", "large.bin", "--tier", url]);
    const request = await asked.promise;
    child.kill("SIGINT");
    const { status, stdout, stderr } = await ended;
    expect({ status, stdout, stderr }).toEqual({
      status: 130,
      stdout: "",
      stderr: "bitstore: put: interrupted by SIGINT\n",
    });
    // The receiver that reads on now sees that the body was broken off, not that it ended.
    const closed = new Promise((resolve) => request.on("close", resolve));
    request.on("error", () => undefined).resume();
    await closed;
    expect(request.complete).toBe(false);
    server.closeAllConnections();
    server.close();
  });

  it("ends at once upon a second signal, and after a clean-up that takes too long", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    for (const second of ["SIGTERM", "time"] as const) {
      const listeners = new Set<(name: "SIGINT" | "SIGTERM") => void>();
      const io: Io = {
        ...processIo(),
        stdout: new PassThrough(),
        stderr: new PassThrough(),
        onSignal(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      };
      const end = vi.fn<(name: string) => void>();
      const { signal, stop } = listenForInterruption(io, "put", end);
      for (const tell of listeners) tell("SIGINT");
      expect(signal.reason).toMatchObject({ code: "ABORTED" });
      expect(end).not.toHaveBeenCalled();
      if (second === "time") vi.advanceTimersByTime(5000);
      else for (const tell of listeners) tell(second);
      expect(end.mock.calls).toEqual([[second === "time" ? "SIGINT" : second]]);
      stop();
      expect(listeners.size).toBe(0);
    }
    vi.useRealTimers();
  });

  it("does not hang on what can't be aborted", async () => {
    // Nobody ever writes to the pipe, and to open it can't be aborted: one signal is not enough.
    await place.bash("mkfifo silent");
    const { child, ended } = place.start(["put", "silent", "--cache", "./fresh"]);
    child.stdin?.end();
    // The cache is made when the store is opened, just before the pipe is.
    await expect.poll(() => readdir(place.folder), { timeout: 30_000 }).toContain("fresh");
    const again = setInterval(() => child.kill("SIGINT"), 100);
    const { status, signal } = await ended;
    clearInterval(again);
    // Shells show both as 130.
    expect(status ?? signal).toBe(signal === null ? 130 : "SIGINT");
  });

  it("ends quietly with 0 where the reader has had enough", async () => {
    const digest = sha256(large);
    const get = await place.bash(
      `bitstore get ${digest} | head -c 5 | wc -c; echo \${PIPESTATUS[0]}`,
    );
    expect(get.stderr).toBe("");
    expect(get.stdout.split(/\s+/)).toEqual(["5", "0", ""]);
    const has = await place.bash(
      `yes ${digest} | head -n 5000 | bitstore has - | head -n 1; echo \${PIPESTATUS[2]}`,
    );
    expect(has).toMatchObject({ stdout: `${digest}  present\n0\n`, stderr: "" });
    const help = await place.bash("bitstore --help | true; echo ${PIPESTATUS[0]}");
    expect(help).toMatchObject({ stdout: "0\n", stderr: "" });
  });

  it("says so, with 7, where stdout is full", async () => {
    const full = await place.bash(`bitstore get ${sha256(large)} > /dev/full`);
    expect(full).toMatchObject({ status: 7 });
    expect(full.stderr).toMatch(/^bitstore: write stdout: no space is left on the device/);
  });
});
