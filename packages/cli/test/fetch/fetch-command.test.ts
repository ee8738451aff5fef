import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extract } from "tar-stream";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { runBitstore } from "../../../../test/acceptance/run-bitstore.ts";

const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
const folders: string[] = [];
let cwd = "";

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "bitstore-fetch-"));
  folders.push(cwd);
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");
const visible = (folder: string): string[] =>
  readdirSync(join(cwd, folder)).filter((name) => !name.startsWith("."));
const lines = (file: string): Record<string, unknown>[] =>
  readFileSync(join(cwd, file), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Puts texts into the embedded default and writes their digests, with extras, into `ids`. */
async function plant(texts: readonly string[], ...extras: readonly string[]): Promise<string[]> {
  texts.forEach((text, index) => writeFileSync(join(cwd, `file-${index}`), text));
  const put = await runBitstore(["put", ...texts.map((_, index) => `file-${index}`)], { cwd });
  expect(put.stderr).toBe("");
  const digests = texts.map((text) => `sha256:${sha256(text)}`);
  writeFileSync(join(cwd, "ids"), [...digests, ...extras].map((id) => `${id}\n`).join(""));
  return digests;
}

function fetchTo(...args: readonly string[]): ReturnType<typeof runBitstore> {
  return runBitstore(["fetch", "ids", "--to", ...args], { cwd });
}

describe("fetch into a directory", () => {
  const absent = `sha256:${"0".repeat(64)}`;

  // Files named by their hex and nothing else; a report with one line for each distinct digest; the
  // exit status says the worst of what happened.
  test("delivers what is there and reports the rest", async () => {
    const digests = await plant(["one", "two", ""]);
    const first = await fetchTo("out", "--report", "report");
    expect(first.status).toBe(0);
    expect(first.stdout).toBe("");
    expect(visible("out").sort()).toEqual(digests.map((digest) => digest.slice(7)).sort());
    expect(readFileSync(join(cwd, "out", sha256("two")), "utf8")).toBe("two");
    expect(lines("report").map(({ status, tier }) => [status, tier])).toEqual([
      ["fetched", "blobs"],
      ["fetched", "blobs"],
      ["fetched", "blobs"],
    ]);

    await plant(["one", "two", ""], absent, absent.toUpperCase(), digests[0] ?? "");
    const second = await fetchTo("out", "--report", "report");
    expect(second.status).toBe(3);
    const statuses = lines("report").map(({ status }) => status);
    expect(statuses.map(String).sort()).toEqual(["missing", "present", "present", "present"]);
    expect(second.stderr).toContain(`missing  ${absent}`);

    await plant(["one"], absent, "nonsense");
    const third = await fetchTo("out", "--report", "report");
    expect(third.status).toBe(7);
    expect(lines("report").find(({ status }) => status === "failed")).toMatchObject({
      digest: "nonsense",
      error: { code: "INVALID_ARGUMENT" },
    });
  });

  test("writes JSON lines alone to stdout with --json", async () => {
    await plant(["one"], absent);
    const run = await fetchTo("out", "--json", "--ordered");
    const records = run.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(records).toMatchObject([{ status: "fetched", size: 3 }, { digest: absent }]);
  });

  // What is there is trusted where the journal knows it, hashed where it does not, and fetched
  // again where it is wrong, whatever its size and time pretend.
  test("tells what is really present", async () => {
    await plant(["one", "two"]);
    await fetchTo("out");
    const wrong = join(cwd, "out", sha256("one"));
    const { mtime } = statSync(wrong);
    rmSync(wrong);
    writeFileSync(wrong, "eno");
    utimesSync(wrong, mtime, mtime);
    rmSync(join(cwd, "out", ".bitstore-fetch"), { recursive: true });
    const again = await fetchTo("out", "--report", "report");
    expect(again.status).toBe(0);
    expect(
      Object.fromEntries(lines("report").map((line) => [line["digest"], line["status"]])),
    ).toEqual({
      [`sha256:${sha256("one")}`]: "fetched",
      [`sha256:${sha256("two")}`]: "present",
    });
    expect(readFileSync(wrong, "utf8")).toBe("one");
  });

  test("names files by a template, and refuses one that could lose a blob", async () => {
    await plant(["one"]);
    const hex = sha256("one");
    expect((await fetchTo("out", "--name", "{algorithm}/{hex:0:2}/{hex}.bin")).status).toBe(0);
    expect(existsSync(join(cwd, "out", "sha256", hex.slice(0, 2), `${hex}.bin`))).toBe(true);
    const refused = await fetchTo("out", "--name", "{hex:0:6}");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("two blobs could get the same name");
  });

  // A link in the way of a file is replaced, one in the way of a folder is refused: nothing outside
  // of the directory is written.
  test("writes nothing through a symbolic link", async () => {
    await plant(["one"]);
    const hex = sha256("one");
    mkdirSync(join(cwd, "elsewhere"));
    mkdirSync(join(cwd, "out"));
    writeFileSync(join(cwd, "elsewhere", "victim"), "untouched");
    symlinkSync("../elsewhere/victim", join(cwd, "out", hex));
    expect((await fetchTo("out")).status).toBe(0);
    expect(readFileSync(join(cwd, "elsewhere", "victim"), "utf8")).toBe("untouched");
    expect(readFileSync(join(cwd, "out", hex), "utf8")).toBe("one");
    symlinkSync("../elsewhere", join(cwd, "out", "linked"));
    const refused = await fetchTo("out", "--name", "linked/{hex}");
    expect(refused.status).toBe(7);
    expect(refused.stderr).toContain("symbolic link");
    expect(readdirSync(join(cwd, "elsewhere"))).toEqual(["victim"]);
  });

  test("stops at the first that is missing with --fail-fast", async () => {
    writeFileSync(
      join(cwd, "ids"),
      Array.from({ length: 500 }, (_, index) => `sha256:${sha256(String(index))}\n`).join(""),
    );
    const run = await fetchTo("out", "--fail-fast", "--concurrency", "2", "--report", "report");
    expect(run.status).toBe(3);
    expect(lines("report").length).toBeLessThan(50);
  });

  test.each([
    [["--concurrency", "0"], "--concurrency"],
    [["--concurrency", "many"], "--concurrency"],
    [["--format", "xml"], "--format"],
    [["--to", "out.tar.gz"], "tar archive"],
  ])("refuses %j", async (args, said) => {
    await plant(["one"]);
    const run = await fetchTo("out", ...args);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(said);
  });

  test("says that the file of IDs is not there, and that a file is no directory", async () => {
    const missing = await fetchTo("out");
    expect(missing.status).toBe(2);
    expect(missing.stderr).toContain("no such file of IDs");
    await plant(["one"]);
    writeFileSync(join(cwd, "taken"), "a file");
    const taken = await fetchTo("taken");
    expect(taken.status).toBe(2);
    expect(readFileSync(join(cwd, "taken"), "utf8")).toBe("a file");
  });
});

describe("fetch into a tar archive", () => {
  async function entries(archive: Uint8Array): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    const reader = extract();
    reader.end(archive);
    for await (const entry of reader) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry as AsyncIterable<Uint8Array>) chunks.push(chunk);
      found[entry.header.name] = Buffer.concat(chunks).toString();
    }
    return found;
  }

  test("a file and the standard output hold the same", async () => {
    const large = "x".repeat(5 * 2 ** 20);
    await plant(["one", "", large], `sha256:${"0".repeat(64)}`);
    const expected = Object.fromEntries(["one", "", large].map((text) => [sha256(text), text]));
    const file = await fetchTo("out.tar");
    expect(file.status).toBe(3);
    expect(await entries(readFileSync(join(cwd, "out.tar")))).toEqual(expected);
    expect(readdirSync(cwd).filter((name) => name.includes(".tmp"))).toEqual([]);
    const child = spawnBitstore(["fetch", "ids", "--to", "-"]);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    expect(await ended(child)).toBe(3);
    expect(await entries(Buffer.concat(chunks))).toEqual(expected);
  });
});

/** An API that answers slowly, so that a run can be met in its middle. */
async function slowApi(
  delayMs: number,
): Promise<{ server: Server; url: string; asked: Set<string> }> {
  const asked = new Set<string>();
  const server = createServer((request, response) => {
    const hex = request.url?.slice(1) ?? "";
    const text = texts.get(hex);
    asked.add(hex);
    setTimeout(() => {
      if (text === undefined) response.writeHead(404).end();
      else response.end(text);
    }, delayMs);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}/{hex}`, asked };
}

const texts = new Map(
  Array.from({ length: 600 }, (_, index) => `blob ${index}`.repeat(1000)).map((text) => [
    sha256(text),
    text,
  ]),
);

function spawnBitstore(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["--conditions=@bitstore/source", main, ...args], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", HOME: cwd },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("close", resolve));
}

describe("a fetch that is ended in its middle", () => {
  // Killed at moments of all kinds, and started again each time: no name ever holds anything but
  // its blob, what was delivered is not fetched again, and in the end all of it is there.
  test("by SIGKILL, again and again, finishes the rest", async () => {
    const api = await slowApi(5);
    try {
      writeFileSync(join(cwd, "ids"), [...texts.keys()].map((hex) => `${hex}\n`).join(""));
      const args = ["fetch", "ids", "--to", "out", "--tier", api.url, "--concurrency", "8"];
      let delivered = 0;
      for (let round = 0; round < 6; round += 1) {
        const child = spawnBitstore([...args]);
        const wanted = Math.min(texts.size, delivered + 20 + round * 17);
        while (child.exitCode === null && countDelivered() < wanted) {
          await new Promise((resolve) => setTimeout(resolve, 3));
        }
        child.kill("SIGKILL");
        await ended(child).catch(() => undefined);
        delivered = checkDelivered();
      }
      expect(delivered).toBeGreaterThan(100);
      api.asked.clear();
      const last = await runBitstore([...args, "--report", "report"], { cwd });
      expect(last.status).toBe(0);
      expect(checkDelivered()).toBe(texts.size);
      expect(lines("report")).toHaveLength(texts.size);
      const present = lines("report").filter(({ status }) => status === "present");
      expect(present).toHaveLength(delivered);
      expect(api.asked.size).toBe(texts.size - delivered);
      expect(readdirSync(join(cwd, "out", ".bitstore-fetch"))).not.toContain("aside");
    } finally {
      api.server.closeAllConnections();
      api.server.close();
    }
  });

  test("by SIGINT says how to go on, with status 130 and nothing half-written", async () => {
    const api = await slowApi(20);
    try {
      writeFileSync(join(cwd, "ids"), [...texts.keys()].map((hex) => `${hex}\n`).join(""));
      const child = spawnBitstore([
        "fetch",
        "ids",
        "--to",
        "out",
        "--tier",
        api.url,
        "--concurrency",
        "4",
      ]);
      let stderr = "";
      child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      while (child.exitCode === null && countDelivered() < 20) {
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      child.kill("SIGINT");
      expect(await ended(child)).toBe(130);
      expect(stderr).toContain("goes on where it stopped");
      expect(checkDelivered()).toBeGreaterThanOrEqual(20);
      expect(readdirSync(join(cwd, "out", ".bitstore-fetch"))).not.toContain("aside");
    } finally {
      api.server.closeAllConnections();
      api.server.close();
    }
  });

  // Of an archive nothing is kept, which is said in place of that it goes on.
  test("by SIGINT says that an archive is written from the start", async () => {
    const api = await slowApi(20);
    try {
      writeFileSync(join(cwd, "ids"), [...texts.keys()].map((hex) => `${hex}\n`).join(""));
      for (const target of ["out.tar", "-"]) {
        api.asked.clear();
        const args = ["--to", target, "--tier", api.url, "--concurrency", "4"];
        const child = spawnBitstore(["fetch", "ids", ...args]);
        child.stdout?.resume();
        let stderr = "";
        child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
        while (child.exitCode === null && api.asked.size < 20) {
          await new Promise((resolve) => setTimeout(resolve, 3));
        }
        child.kill("SIGINT");
        expect(await ended(child)).toBe(130);
        expect(stderr).toContain("writes the archive from the start");
        expect(stderr).not.toContain("run the same command again, it goes on");
        expect(visible(".")).toEqual(["ids"]);
      }
    } finally {
      api.server.closeAllConnections();
      api.server.close();
    }
  });

  // One at a time: the second is told so, and disturbs nothing.
  test("a second run into the same directory is refused", async () => {
    const api = await slowApi(50);
    try {
      writeFileSync(join(cwd, "ids"), [...texts.keys()].map((hex) => `${hex}\n`).join(""));
      const args = ["fetch", "ids", "--to", "out", "--tier", api.url, "--concurrency", "4"];
      const first = spawnBitstore(args);
      while (first.exitCode === null && countDelivered() < 4) {
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      const second = await runBitstore(args, { cwd });
      expect(second.status).toBe(7);
      expect(second.stderr).toContain("another fetch is writing into this directory");
      first.kill("SIGINT");
      await ended(first);
    } finally {
      api.server.closeAllConnections();
      api.server.close();
    }
  });

  function countDelivered(): number {
    return existsSync(join(cwd, "out")) ? visible("out").length : 0;
  }
  function checkDelivered(): number {
    for (const name of visible("out")) {
      expect(sha256(readFileSync(join(cwd, "out", name)))).toBe(name);
    }
    return visible("out").length;
  }
});
