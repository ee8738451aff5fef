import type { Command } from "commander";
import type { Digest, TagEntry, TagLog, TagSetOptions } from "@bitstore/core";
import { collectionMediaType } from "@bitstore/tags";
import { putCollection } from "../collections/put-collection.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { formatBytes, formatCount } from "../frame/units.ts";
import { blobArguments } from "../input/blob-argument.ts";
import { advised } from "./advise.ts";
import { openTagLog } from "./open-tag-log.ts";
import { entryLine } from "./tag-lines.ts";
import { parseTagArgument } from "./tag-reference.ts";
import {
  addAnnotation,
  readWriteOptions,
  withWriteOptions,
  type WriteOptions,
} from "./write-options.ts";

interface SetOptions extends WriteOptions {
  readonly collection?: string;
  readonly annotation?: Readonly<Record<string, string>>;
  readonly mediaType?: string;
  readonly force?: boolean;
}

/** Declares `tag set`. */
export function registerTagSet(tag: Command, frame: Frame): void {
  const command = tag
    .command("set")
    .summary("point a tag to a blob, or to the files of a folder")
    .description(
      "Points the tag to a blob that the origin has, and prints `digest  NAME@SEQ`. DIGEST may be " +
        "another @TAG: it is what that names now, so that `tag set prod @staging` promotes. With " +
        "--collection every file below DIRECTORY is stored, and the tag points to the list of them, " +
        "which `get @NAME -o DIRECTORY` writes out again; file modes and times are not kept, and " +
        "symbolic links are refused. Exits with 5 if --expect does not hold, 3 if the origin does " +
        "not have the blob.",
    )
    .argument("<name>", "the tag: A-Z a-z 0-9 . _ - and /")
    .argument("[digest]", "the blob, or @TAG")
    .option("--collection <directory>", "store and tag the files of this folder, as one")
    .option("--annotation <key=value>", "say something of the entry (repeatable)", addAnnotation)
    .option("--media-type <type>", "media type of the blob, such as text/plain")
    .option("--force", "tag a digest that the origin does not have");
  withWriteOptions(command).action(frame.action(setTag));
}

async function setTag(
  invocation: Invocation,
  [name = "", digest]: readonly string[],
  options: SetOptions,
): Promise<void> {
  const tag = parseTagArgument(name);
  const { collection } = options;
  if ((digest === undefined) === (collection === undefined)) {
    throw badUsage(
      "tag set takes a digest or --collection, one of them",
      `bitstore tag set ${tag} DIGEST, or bitstore tag set ${tag} --collection DIRECTORY`,
    );
  }
  if (collection !== undefined) await setCollection(invocation, tag, collection, options);
  else await setDigest(invocation, tag, digest ?? "", options);
}

async function setDigest(
  invocation: Invocation,
  tag: string,
  argument: string,
  options: SetOptions,
): Promise<void> {
  const call = await readWriteOptions(invocation, options);
  const { digest, entry } = await blobArguments(invocation).resolve(argument);
  // A promoted blob is of the type that it was.
  const mediaType = options.mediaType ?? entry?.target.mediaType;
  const { force, annotation: annotations } = options;
  const log = openTagLog(await invocation.openStore(), invocation, options);
  const written = await append(log, tag, digest, { ...call, mediaType, force, annotations });
  await invocation.output.result({ ...written }, entryLine(written));
}

async function setCollection(
  invocation: Invocation,
  tag: string,
  folder: string,
  options: SetOptions,
): Promise<void> {
  if (options.mediaType !== undefined || options.force === true) {
    throw badUsage(
      "a collection has a media type of its own, and is always there",
      "leave --media-type and --force out",
    );
  }
  // What is wrong with the options or the metadata shows before anything is stored.
  const call = await readWriteOptions(invocation, options);
  const opened = await invocation.openStore();
  const log = openTagLog(opened, invocation, options);
  const stored = await putCollection(invocation, opened, folder);
  if (stored === undefined) return;
  const { digest, files, bytes } = stored;
  const annotations = { ...options.annotation, files: String(files), bytes: String(bytes) };
  const more = { mediaType: collectionMediaType, annotations };
  const written = await append(log, tag, digest, { ...call, ...more });
  const size = `${formatCount(files, "file")}, ${formatBytes(bytes)}`;
  await invocation.output.result({ ...written }, `${entryLine(written)}  ${size}`);
}

async function append(
  log: TagLog,
  tag: string,
  digest: Digest,
  options: TagSetOptions,
): Promise<TagEntry> {
  try {
    return await log.append(tag, digest, options);
  } catch (error) {
    throw advised(error);
  }
}
