import type { TierArgument } from "@bitstore/config";
import { type Command, Option } from "commander";

/** What the global options say. */
export interface Settings {
  /** In the order in which they were written. */
  readonly tiers: readonly TierArgument[];
  readonly metadata: string | undefined;
  readonly config: string | undefined;
  /** Results are JSON objects, one a line, and so is what goes to stderr. */
  readonly json: boolean;
  /** Errors alone go to stderr. */
  readonly quiet: boolean;
  /** What each tier answers goes to stderr, and the causes of errors. */
  readonly verbose: boolean;
}

/**
 * Declares the global options, which are taken before and after the command's name. The returned
 * function tells what was said once the command line has been parsed.
 */
export function globalOptions(program: Command): () => Settings {
  // Two repeatable options keep their order relative to each other only in one common list.
  const tiers: TierArgument[] = [];
  const collect = (kind: TierArgument["kind"]) => (url: string) => {
    tiers.push({ kind, url });
    return url;
  };
  program
    .addOption(
      new Option(
        "--tier <url>",
        "ask this store, in place of the config's tiers (repeatable)",
      ).argParser(collect("tier")),
    )
    .addOption(
      new Option(
        "--cache <url>",
        "keep in this store what tiers behind it give (repeatable)",
      ).argParser(collect("cache")),
    )
    .option("--metadata <url>", "the bucket that tags are kept in")
    .option("--config <file>", "the config; else $BITSTORE_CONFIG, else bitstore.yaml, if there")
    .option("--json", "results as JSON, one object a line; errors and notes too, on stderr")
    .option("-q, --quiet", "no notes and no progress on stderr, errors alone")
    .option("-v, --verbose", "what each tier answers, and causes of errors, on stderr");
  return () => {
    const said = program.opts<Partial<Settings>>();
    return {
      tiers: [...tiers],
      metadata: said.metadata,
      config: said.config,
      json: said.json ?? false,
      quiet: said.quiet ?? false,
      verbose: said.verbose ?? false,
    };
  };
}
