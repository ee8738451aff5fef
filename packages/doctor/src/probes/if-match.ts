import { isStoreError, type PutOutcome } from "@bitstore/core";
import { no, type Probe, unknown, yes } from "../probe.ts";
import { headOf, isSame, type ProbeContext, readAll, sampleBytes } from "../probe-context.ts";
import { noWrite } from "./writes.ts";

export const ifMatch: Probe<ProbeContext> = {
  name: "if-match",
  question: "is a replace under an old version refused?",
  meaning: "Corrupt copies can't be healed safely here: a repair may overwrite what came after it.",
  skip: noWrite,
  async run(context, signal) {
    const { bucket } = context;
    if (!bucket.capabilities.replaceIfMatch) return no("the driver can't replace a version only");
    const key = context.freshKey("version");
    const [first, second, third] = [1, 2, 3].map((seed) => sampleBytes(100, seed));
    if (first === undefined || second === undefined || third === undefined)
      return unknown("no bytes");
    const replace = (of: string, bytes: Uint8Array, version: string) =>
      orRefused(bucket.put(of, bytes, { size: bytes.byteLength, ifVersion: version, signal }));

    await bucket.put(key, first, { signal });
    const stale = (await bucket.head(key, { signal }))?.version;
    await bucket.put(key, second, { signal });
    const current = (await bucket.head(key, { signal }))?.version;
    if (stale === undefined || current === undefined) return no("objects have no version");
    if (stale === current)
      return no("an object that was replaced has the version of the one before");

    if ((await replace(key, third, stale)) !== "refused") {
      return no("a replace under an old version was not refused");
    }
    if (!isSame(await readAll(context, key, signal), second)) {
      return no("a replace under an old version was refused, and done all the same");
    }
    const absent = context.freshKey("version");
    if ((await replace(absent, third, stale)) !== "refused") {
      return no("a replace of an absent object was not refused");
    }
    if ((await headOf(context, absent, signal)) !== undefined) {
      return no("a replace of an absent object was refused, and created it");
    }
    if ((await replace(key, third, current)) === "refused") {
      return no("a replace under the version of now was refused");
    }
    if (!isSame(await readAll(context, key, signal), third)) {
      return no("a replace under the version of now was not done");
    }
    return yes("old versions and absent objects were refused, the version of now replaced");
  },
};

async function orRefused(put: Promise<PutOutcome>): Promise<PutOutcome | "refused"> {
  try {
    return await put;
  } catch (error) {
    if (isStoreError(error, "PRECONDITION_FAILED")) return "refused";
    throw error;
  }
}
