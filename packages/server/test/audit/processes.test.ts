import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { fsBucket } from "@bitstore/bucket-fs";
import { readAudit } from "../../src/audit/read-audit.ts";
import { verifyAudit } from "../../src/audit/verify-audit.ts";

const script = new URL("audit-process.ts", import.meta.url).pathname;

function start(directory: string, name: string, count: number): ChildProcess {
  const args = ["--conditions=@bitstore/source", script, directory, name, String(count)];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

test("16 processes write one log at once, and what one said that was killed is there", {
  timeout: 120_000,
}, async () => {
  // One has more to do than it will live for: it is killed after its tenth acknowledgement. Each id
  // that a process printed must be in the log, and every chain whole.
  const directory = await mkdtemp(join(tmpdir(), "bitstore-audit-"));
  try {
    const said: string[] = [];
    const children = Array.from({ length: 16 }, (_, at) => {
      const child = start(directory, `p${at}`, at === 0 ? 1_000_000 : 12);
      const { stdout } = child;
      if (stdout === null) throw new Error("it has no output");
      createInterface({ input: stdout }).on("line", (id) => {
        said.push(id);
        if (id === "p0-9") child.kill("SIGKILL");
      });
      return child;
    });
    const codes = await Promise.all(children.map(async (child) => (await once(child, "close"))[0]));
    expect(codes.slice(1)).toEqual(Array.from({ length: 15 }, () => 0));
    await using bucket = await fsBucket({ root: directory });
    const found = new Set<string>();
    for await (const { id } of readAudit(bucket)) found.add(id);
    expect(said.filter((id) => !found.has(id))).toEqual([]);
    expect(said.length).toBeGreaterThanOrEqual(15 * 12 + 10);
    const { chains, problems } = await verifyAudit(bucket);
    expect(problems).toEqual([]);
    expect(chains).toHaveLength(16);
    expect(chains.filter(({ end }) => end === "closed")).toHaveLength(15);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
