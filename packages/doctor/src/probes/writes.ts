import { type Bucket, isStoreError } from "@bitstore/core";
import { no, type Probe, yes } from "../probe.ts";
import {
  headOf,
  isSame,
  listSome,
  type ProbeContext,
  readAll,
  sampleBytes,
} from "../probe-context.ts";

/** Rounds of what an eventual service gets right most of the time. */
const roundsMax = 3;
/** Objects of the list that is looked at after a write. */
const listedCount = 12;

/** Says why nothing is written; undefined where it may be. */
export function noWrite({ mayWrite, bucket, found }: ProbeContext): string | undefined {
  if (!mayWrite) return "it is read-only here, so the doctor does not write";
  if (!bucket.capabilities.write) return "the driver can't write";
  return found.unwritable;
}

export const write: Probe<ProbeContext> = {
  name: "write",
  question: "may it be written?",
  meaning: "Nothing can be put, filled or tagged here: grant the right to write objects.",
  asksForRights: true,
  skip: (context) => (context.mayWrite ? undefined : noWrite(context)),
  async run(context, signal) {
    if (!context.bucket.capabilities.write) return no("the driver can't write");
    const key = context.freshKey("write");
    const bytes = sampleBytes(1000, 1);
    try {
      await context.bucket.put(key, bytes, { size: bytes.byteLength, signal });
    } catch (error) {
      context.found.unwritable = "nothing could be written";
      throw error;
    }
    context.found.writtenKey = key;
    return yes("an object was written");
  },
};

export const readAfterWrite: Probe<ProbeContext> = {
  name: "read-after-write",
  question: "is what was written read at once?",
  meaning:
    "A reader may see an older state than was acknowledged: tags can't be kept here, and fresh blobs " +
    "may be missed for a while.",
  skip: noWrite,
  async run(context, signal) {
    const { bucket } = context;
    for (let round = 1; round <= roundsMax; round += 1) {
      const key = context.freshKey("consistent");
      // The miss before may be remembered by something on the way.
      if ((await readAll(context, key, signal)) !== undefined)
        return no("it was there before it was put");
      for (const seed of [1, 2]) {
        const bytes = sampleBytes(1000 * seed, round * 2 + seed);
        await bucket.put(key, bytes, { size: bytes.byteLength, signal });
        const info = await headOf(context, key, signal);
        const read = await readAll(context, key, signal);
        const how = seed === 1 ? "was put" : "was put again";
        if (read === undefined || info === undefined) return no(`an object that ${how} was absent`);
        if (!isSame(read, bytes)) return no(`an object that ${how} had other bytes`);
        if (info.size !== bytes.byteLength) return no(`an object that ${how} had another size`);
      }
    }
    return yes(`${roundsMax * 2} writes were each read at once`);
  },
};

export const listAfterWrite: Probe<ProbeContext> = {
  name: "list-after-write",
  question: "is what was written listed at once?",
  meaning:
    "A list may miss what was acknowledged: tags can't be kept here, and a collection of garbage " +
    "could overlook blobs.",
  skip: (context) => noWrite(context) ?? context.found.unlistable,
  async run(context, signal) {
    const { bucket } = context;
    const folder = `${context.freshKey("listed")}/`;
    const keys: string[] = [];
    const seen = async (): Promise<string> => {
      const items = await listSome(context, folder, listedCount * 2, { signal });
      return items.map(({ key }) => key).join("\n");
    };
    if ((await seen()) !== "") return no("a list of a fresh prefix is not empty");
    for (let count = 0; count < listedCount; count += 1) {
      keys.push(`${folder}${String(count).padStart(2, "0")}`);
      await bucket.put(keys.at(-1) ?? "", sampleBytes(10, count), { size: 10, signal });
      if ((await seen()) !== keys.join("\n")) return no(`a list did not show ${count + 1} objects`);
    }
    if (await deletes(bucket, keys.shift() ?? "", signal)) {
      if ((await seen()) !== keys.join("\n")) return no("a list still showed a deleted object");
    }
    return yes(`${listedCount} writes were each listed at once`);
  },
};

/** Deletes where that may be done; whether it may is another probe's question. */
async function deletes(bucket: Bucket, key: string, signal: AbortSignal): Promise<boolean> {
  if (!bucket.capabilities.delete) return false;
  try {
    return await bucket.delete(key, { signal });
  } catch (error) {
    if (isStoreError(error, "PERMISSION_DENIED")) return false;
    throw error;
  }
}

export const remove: Probe<ProbeContext> = {
  name: "delete",
  question: "may objects be deleted?",
  meaning:
    "Garbage can't be collected here, and what the doctor wrote stays below its prefix: grant the " +
    "right to delete objects.",
  asksForRights: true,
  skip: noWrite,
  async run(context, signal) {
    const { bucket } = context;
    if (!bucket.capabilities.delete) return no("the driver can't delete");
    const key = context.freshKey("delete");
    await bucket.put(key, sampleBytes(10, 1), { size: 10, signal });
    if (!(await bucket.delete(key, { signal }))) return no("a delete says that nothing was there");
    if ((await headOf(context, key, signal)) !== undefined) {
      return no("a deleted object is still there", "Deletes are acknowledged and not done here.");
    }
    return yes("an object was deleted");
  },
};
