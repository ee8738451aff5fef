import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { DiskCache } from "@bitstore/cache-disk";
import { formatStoreLocation, parseByteSize, type TierConfig } from "@bitstore/config";
import { StoreError } from "@bitstore/core";
import { createDisposal, type Disposal } from "@bitstore/core";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { formatTable } from "../frame/table.ts";
import { formatBytes, formatCount } from "../frame/units.ts";
import { parseDuration } from "../input/parse-duration.ts";
import { readConfig } from "../store/open-store.ts";

interface PruneOptions {
  readonly bytesMax?: number;
  readonly olderThan?: number;
}

/** Declares `cache stats` and `cache prune`. */
export function registerCache(program: Command, frame: Frame): void {
  const cache = program
    .command("cache")
    .summary("look at the caches on disk, and make them smaller")
    .description("Looks after the cache tiers that are directories on this machine.");
  cache
    .command("stats")
    .summary("show what each cache on disk holds")
    .description(
      "Shows what each cache holds, and what it has done since it was made. Caches in a bucket are " +
        "looked after by the bucket's own lifecycle rules.",
    )
    .action(frame.action(stats));
  cache
    .command("prune")
    .summary("make the caches on disk smaller now")
    .description(
      "Makes each cache on disk smaller now, in the order in which it would evict, and prints what " +
        "went. What a cache may hold stays as the config says.",
    )
    .option("--bytes-max <size>", "until blobs take no more, such as 10GiB; 0 empties", (text) =>
      parseByteSize(text),
    )
    .option("--older-than <time>", "what was not used for so long: 12h, 30d, 2w", parseDuration)
    .action(frame.action(prune));
}

/** A cache tier on disk; without a cache where nothing was ever kept. */
interface OnDisk {
  readonly tier: TierConfig;
  readonly directory: string;
  readonly cache: DiskCache | undefined;
}

async function stats(invocation: Invocation): Promise<void> {
  const { output, settings } = invocation;
  await using disposal = createDisposal();
  const caches = await openCaches(invocation, disposal);
  const rows: string[][] = [];
  for (const { tier, directory, cache } of caches) {
    const found = await cache?.stats();
    const { entries = 0, blobBytes = 0, bytesMax = tier.bytesMax ?? 0 } = found ?? {};
    const { hits = 0, misses = 0, evictions = 0, corruptions = 0 } = found ?? {};
    if (settings.json) {
      const record = { entries, blobBytes, bytesMax, hits, misses, evictions, corruptions };
      await output.result({ tier: tier.name, directory, ...record, ...found });
    }
    const asked = hits + misses;
    rows.push([
      escapeControls(tier.name),
      entries.toLocaleString("en-US"),
      formatBytes(blobBytes),
      formatBytes(bytesMax),
      asked === 0 ? "" : `${((hits / asked) * 100).toFixed(1)} %`,
      evictions.toLocaleString("en-US"),
      corruptions.toLocaleString("en-US"),
      escapeControls(directory) + (found?.complete === false ? " (still being counted)" : ""),
    ]);
  }
  const right = { align: "right" } as const;
  const columns = [
    { title: "CACHE" },
    { title: "BLOBS", ...right },
    { title: "BYTES", ...right },
    { title: "OF", ...right },
    { title: "HITS", ...right },
    { title: "EVICTED", ...right },
    { title: "CORRUPT", ...right },
    { title: "WHERE" },
  ];
  if (!settings.json && rows.length > 0) await output.result({}, ...formatTable(columns, rows));
}

async function prune(
  invocation: Invocation,
  _args: readonly string[],
  { bytesMax, olderThan }: PruneOptions,
): Promise<void> {
  const { output, signal } = invocation;
  if (bytesMax === undefined && olderThan === undefined) {
    throw badUsage(
      "cache prune is not told what may go",
      "--bytes-max 10GiB, --older-than 30d, or --bytes-max 0 to empty the caches",
    );
  }
  await using disposal = createDisposal();
  for (const { tier, cache } of await openCaches(invocation, disposal)) {
    const options = { bytesMax, olderThanMs: olderThan, signal };
    const freed = (await cache?.prune(options)) ?? { entries: 0, bytes: 0 };
    const text = `${formatCount(freed.entries, "blob")}, ${formatBytes(freed.bytes)}`;
    const record = { tier: tier.name, entries: freed.entries, bytes: freed.bytes };
    await output.result(record, `${escapeControls(tier.name)}: removed ${text}`);
  }
}

/** Opens the caches on disk, and makes none that is not there yet. */
async function openCaches(invocation: Invocation, disposal: Disposal): Promise<readonly OnDisk[]> {
  const { settings, io, output } = invocation;
  const config = await readConfig(settings, io);
  const caches = config.tiers.filter(({ role }) => role === "cache");
  if (caches.length === 0) {
    throw new StoreError({
      code: "CONFIG_INVALID",
      operation: "cache",
      message: "no tier is a cache; give one role: cache in the config, or --cache URL",
    });
  }
  // Loaded here alone: it brings a database, which no other command should wait for.
  const { diskCache } = await import("@bitstore/cache-disk");
  const onDisk: OnDisk[] = [];
  for (const tier of caches) {
    const { location } = tier.store;
    if (location.kind !== "file") {
      const why = location.kind === "memory" ? "ends with each process" : "is not on this disk";
      output.note(`${tier.name} (${formatStoreLocation(location)}) ${why}: left out`);
      continue;
    }
    const { directory } = location;
    const options = { directory, bytesMax: tier.bytesMax ?? 0 };
    const cache = existsSync(directory) ? disposal.add(await diskCache(options)) : undefined;
    onDisk.push({ tier, directory, cache });
  }
  return onDisk;
}
