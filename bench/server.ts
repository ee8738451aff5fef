/**
 * Serves a hot blob of 4 KiB and one of 1 MiB to `wrk -t1 -c16`, from `bitstore serve`, nginx,
 * bazel-remote and node:http, each of one process, in turns of one run: requests a second, and what
 * one costs the server in CPU time, which tells more where the machine has other things to do.
 *
 * Peers are taken from PATH, or BITSTORE_BENCH_NGINX and BITSTORE_BENCH_BAZEL_REMOTE; what is absent
 * is said. BENCH_SECONDS (5) and BENCH_ROUNDS (3) say how long; BITSTORE_BENCH_PROFILE names a folder
 * for a CPU profile of the server.
 */
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findOnPath } from "../test/services/find-on-path.ts";
import {
  bazelRemoteTarget,
  bitstoreTarget,
  type HotBlob,
  nginxTarget,
  plainNodeTarget,
  type Target,
} from "./server/targets.ts";

const seconds = Number(process.env["BENCH_SECONDS"] ?? 5);
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3);
const wrk = findOnPath("wrk", process.env["PATH"]);
if (wrk === undefined) throw new Error("there is no wrk on PATH; Debian's package is wrk");

/** Turns of one target at one blob; the best of them is what the machine allowed. */
interface Measured {
  perSecond: number;
  /** CPU microseconds of the server for one request. */
  cpuUs: number;
}

/** Puts load on a target for a while. */
async function turn(program: string, target: Target, blob: HotBlob): Promise<Measured> {
  const before = target.use().cpuMs;
  const load = ["-t1", "-c16", `-d${seconds}s`, target.urlOf(blob)];
  const { stdout } = await promisify(execFile)(program, load);
  const count = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${target.name}:\n${stdout}`);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  return { perSecond, cpuUs: ((target.use().cpuMs - before) * 1000) / count };
}

const blobs = [4096, 2 ** 20].map((size): HotBlob => {
  const bytes = randomBytes(size);
  return { bytes, hex: createHash("sha256").update(bytes).digest("hex") };
});
const root = await mkdtemp(join(tmpdir(), "bitstore-bench-"));
await using started = new AsyncDisposableStack();
const targets: Target[] = [];
const starts = [bitstoreTarget, bazelRemoteTarget, nginxTarget, plainNodeTarget];
for (const [at, start] of starts.entries()) {
  const folder = join(root, String(at));
  await mkdir(folder);
  const target = await start(folder, blobs, process.env);
  if (target === undefined) console.log(`absent: ${start.name.replace("Target", "")}`);
  else targets.push(started.use(target));
}

for (const blob of blobs) {
  // What runs compiled is what is measured; a server that interprets yet is none that anybody has.
  for (const target of targets)
    for (let turns = 0; turns < 2; turns += 1) await turn(wrk, target, blob);
  const best = new Map<Target, Measured>();
  for (let round = 0; round < rounds; round += 1) {
    for (const target of targets) {
      const { perSecond, cpuUs } = await turn(wrk, target, blob);
      const known = best.get(target) ?? { perSecond: 0, cpuUs: Number.POSITIVE_INFINITY };
      best.set(target, {
        perSecond: Math.max(known.perSecond, perSecond),
        cpuUs: Math.min(known.cpuUs, cpuUs),
      });
    }
  }
  console.log(`\n${blob.bytes.byteLength} bytes, wrk -t1 -c16, best of ${rounds}:`);
  const [own] = best.values();
  for (const [{ name }, { perSecond, cpuUs }] of best) {
    const ratio = own === undefined ? "" : (own.perSecond / perSecond).toFixed(2);
    const cpuRatio = own === undefined ? "" : (cpuUs / own.cpuUs).toFixed(2);
    console.log(
      `${name.padEnd(14)}${perSecond.toFixed(0).padStart(8)}/s  ${cpuUs.toFixed(1).padStart(8)} µs` +
        `   bitstore / it: ${ratio.padStart(5)} by the clock, ${cpuRatio.padStart(5)} by CPU time`,
    );
  }
}
await started.disposeAsync();
await rm(root, { recursive: true, force: true });
