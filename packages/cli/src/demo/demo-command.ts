import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { loadConfig, openComposite } from "@bitstore/config";
import { StoreError } from "@bitstore/core";
import { fetchProgress } from "../fetch/fetch-progress.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { formatBytes, formatCount } from "../frame/units.ts";
import { collectFiles, type DemoFile } from "./collect-files.ts";
import { type DemoRun, demoRun } from "./demo-run.ts";
import { attemptLines, runTable } from "./demo-text.ts";
import { type PaidApi, startPaidApi } from "./paid-api.ts";
import { corruptBlob, type Planted, putAll, spread } from "./plant.ts";

interface DemoOptions {
  readonly files: string;
  readonly keep?: boolean;
}

/** What one request to the API costs, in US dollars. */
const dollarsPerRequest = 0.002;

/** Declares `demo`: the main job, on real files, with everything on this machine. */
export function registerDemo(program: Command, frame: Frame): void {
  program
    .command("demo")
    .description("see the main job on real files: two buckets, a paid API and a cache, twice")
    .argument("[folder]", "whose files to take; else the node_modules at hand")
    .option("--files <n>", "files to take at most", "4000")
    .option("--keep", "leave ./.bitstore/demo-… to be looked at")
    .action(frame.action(demoCommand));
}

async function demoCommand(
  invocation: Invocation,
  [given]: readonly string[],
  options: DemoOptions,
): Promise<void> {
  const { io, output, signal } = invocation;
  const filesMax = parseFiles(options.files);
  const folder = given === undefined ? nearestModules(io.cwd) : resolve(io.cwd, given);
  const files = await collectFiles(folder, filesMax, signal);
  if (files.length < 5) {
    throw badUsage(
      `${folder} has ${formatCount(files.length, "file")} to show`,
      "name a folder with five files at least: bitstore demo FOLDER",
    );
  }
  const home = join(io.cwd, ".bitstore");
  await mkdir(home, { recursive: true });
  const place = await mkdtemp(join(home, "demo-"));
  try {
    await show(invocation, files, place, folder);
  } finally {
    if (options.keep === true) output.note(`left for you: ${relative(io.cwd, place)}`);
    else await rm(place, { recursive: true, force: true });
  }
}

async function show(
  invocation: Invocation,
  files: readonly DemoFile[],
  place: string,
  folder: string,
): Promise<void> {
  const { io, output, signal } = invocation;
  const { paint } = output;
  const planted = spread(files);
  await using api = await startPaidApi(planted.api);
  await writeFile(join(place, "bitstore.yaml"), configText(api));
  await fill(place, planted, invocation);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const from = relative(io.cwd, folder) || ".";
  const say = (...text: readonly string[]): Promise<void> => output.lines(`${text.join("\n")}\n`);
  const quiet = invocation.settings.json;
  if (!quiet) {
    await say(
      "",
      paint("bold", `  ${formatCount(files.length, "file")} of ${from}, ${formatBytes(bytes)}`),
      `  ${formatCount(planted.customer.length, "blob")} in a customer's bucket, ` +
        `${formatCount(planted.ours.length, "blob")} in ours, ` +
        `${formatCount(planted.api.length, "blob")} behind an API at $${dollarsPerRequest} a request,`,
      "  one of them corrupt where it is found first, one digest that is nowhere,",
      "  and a cache on disk, empty, in front of the API.",
    );
  }
  const digests = [...files.map(({ digest }) => digest), planted.missing];
  const titles = ["First run", "Second run, as a new process would do it"];
  for (const [index, title] of titles.entries()) {
    const before = api.requests();
    const config = await loadConfig({ cwd: place, env: io.env });
    await using opened = await openComposite(config, { env: io.env });
    const { store } = opened;
    using progress = fetchProgress(io, output, digests.length);
    const run = await demoRun(store, digests, join(place, `run-${index + 1}`), signal, (tally) =>
      progress.update(tally),
    );
    progress[Symbol.dispose]();
    checkRun(run, files.length);
    const requests = api.requests() - before;
    const dollars = requests * dollarsPerRequest;
    if (quiet) {
      await output.result({
        run: index + 1,
        elapsedMs: Math.round(run.elapsedMs),
        counts: run.tally.counts,
        tiers: run.tiers,
        apiRequests: requests,
        dollars,
      });
      continue;
    }
    const costOf = (tier: string): string => (tier === "api" ? `$${dollars.toFixed(3)}` : "");
    await say("", paint("bold", `  ${title}`), ...runTable(run, paint, costOf));
    const corrupt = await store.explain(planted.corrupt);
    const missing = await store.explain(planted.missing);
    if (index === 0) {
      await say(
        "",
        ...attemptLines("corrupt", planted.corrupt, corrupt.attempts, paint),
        ...attemptLines("missing", planted.missing, missing.attempts, paint),
      );
    } else {
      await say(
        "",
        requests <= 1
          ? "  What the API was asked again is the digest that is nowhere: absence costs, too."
          : `  The API was asked ${formatCount(requests, "time")}.`,
        "  Yours next: npx bitstore init, then npx bitstore fetch ids.txt --to folder",
        "",
      );
    }
  }
}

async function fill(place: string, planted: Planted, { io }: Invocation): Promise<void> {
  for (const name of ["customer", "ours"] as const) {
    await mkdir(join(place, name));
    const config = await loadConfig({
      cwd: place,
      env: io.env,
      tiers: [{ kind: "tier", url: `./${name}` }],
    });
    await using opened = await openComposite(config, { env: io.env });
    await putAll(opened.store, planted[name]);
  }
  await corruptBlob(join(place, "customer"), planted.corrupt);
}

function configText({ url }: PaidApi): string {
  return `# Asked in this order. What the API delivers is kept in the cache before it.
tiers:
  - { name: cache, url: "./cache", role: cache, bytesMax: 1GiB }
  - { name: customer, url: "./customer", fill: [] }
  - { name: ours, url: "./ours", origin: true, fill: [] }
  - { name: api, url: "${url}", price: "${dollarsPerRequest}USD" }
`;
}

/** A demo that does not deliver what it says is a failure, whatever it looks like. */
function checkRun({ tally, undelivered }: DemoRun, files: number): void {
  const { fetched, cached, missing, failed } = tally.counts;
  if (fetched + cached === files && missing === 1 && failed === 0) return;
  throw new StoreError({
    code: "INTERNAL",
    operation: "demo",
    message: `${fetched + cached} of ${files} delivered, ${missing} missing, ${failed} failed: ${
      undelivered.find(({ status }) => status === "failed")?.error?.message ?? ""
    }`,
  });
}

function nearestModules(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const modules = join(folder, "node_modules");
    if (existsSync(modules)) return modules;
    if (dirname(folder) === folder) break;
  }
  // Installed for the whole machine: what stands beside this package is a node_modules, too.
  return resolve(import.meta.dirname, "..", "..", "..");
}

function parseFiles(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 5 && value <= 100_000) return value;
  throw badUsage(`--files ${text} is not a number from 5 to 100000`, "leave it out for 4000");
}
