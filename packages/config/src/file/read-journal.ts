import { resolve } from "node:path";
import { defaultFolders } from "../default-config.ts";
import type { Parsed } from "../result.ts";
import { hasControls } from "../show-text.ts";
import type { JournalDraft } from "../tiers/journal-draft.ts";
import { concurrencyMaxMax, readCount, readJournalBytes, readOneOf } from "../url/option-values.ts";
import type { FileContext } from "./read-store.ts";
import { journalShapeProblems } from "./shapes.ts";
import { isTreeMap, type Tree, type TreeMap } from "./tree.ts";

/** Ten gibibytes, as of a cache on disk: a laptop's disk has them. */
const bytesMaxDefault: number = 10 * 2 ** 30;
/** As many uploads at a time as the journal does by itself. */
const concurrencyMaxDefault = 8;

const readAck: (text: string) => Parsed<"origin" | "cache"> = readOneOf(["origin", "cache"]);
const readUploads: (text: string) => Parsed<number> = readCount(
  1,
  concurrencyMaxMax,
  "uploads at a time",
);

/**
 * Reads `ack` and `journal` of a file's top: undefined where the origin acknowledges puts. Mistakes
 * are reported; then nothing is returned.
 */
export function readJournal(top: TreeMap, file: FileContext): JournalDraft | undefined {
  const { ack, journal } = top;
  let mistakes = 0;
  const context: FileContext = {
    ...file,
    report(path, message, of) {
      mistakes += 1;
      file.report(path, message, of);
    },
  };
  let isCache = false;
  if (typeof ack === "string") {
    const read = readAck(ack);
    if ("problem" in read) context.report(["ack"], read.problem);
    else isCache = read.value === "cache";
  }
  const said: TreeMap = isTreeMap(journal) ? journal : {};
  if (isTreeMap(journal) && ack !== "cache" && mistakes === 0) {
    context.report(["journal"], "is of use with ack: cache only; say that, or leave it out", "key");
  }
  const values = readValues(said, context);
  if (!isCache || mistakes > 0) return undefined;
  const place: JournalDraft["place"] = (key) =>
    key !== undefined && key in said ? file.place(["journal", key]) : file.place(["ack"]);
  return { ...values, place };
}

function readValues(said: TreeMap, context: FileContext): Omit<JournalDraft, "place"> {
  const bad = new Set<string>();
  for (const { path, message, of } of journalShapeProblems(said)) {
    bad.add(String(path[0]));
    context.report(["journal", ...path], message, of);
  }
  const read = <T>(key: string, reader: (text: string) => Parsed<T>): T | undefined => {
    const value: Tree | undefined = said[key];
    if (value === undefined || typeof value === "object" || bad.has(key)) return undefined;
    const parsed = reader(String(value));
    if ("value" in parsed) return parsed.value;
    context.report(["journal", key], parsed.problem);
    return undefined;
  };
  const bytesMax = read("bytesMax", readJournalBytes) ?? bytesMaxDefault;
  const entryBytesMax = read("entryBytesMax", readJournalBytes) ?? bytesMax;
  if (entryBytesMax > bytesMax) {
    context.report(["journal", "entryBytesMax"], "is more than bytesMax; no such blob would fit");
  }
  const concurrencyMax = read("concurrencyMax", readUploads) ?? concurrencyMaxDefault;
  const directory =
    read("directory", (text): Parsed<string> => {
      if (text === "") return { problem: "is empty; leave it out for the default" };
      if (hasControls(text)) return { problem: "has a control character in it" };
      return { value: resolve(context.base, text) };
    }) ?? defaultFolders(context.base).journal;
  return { directory, bytesMax, entryBytesMax, concurrencyMax };
}
