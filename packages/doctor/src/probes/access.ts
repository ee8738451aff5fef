import { isStoreError } from "@bitstore/core";
import { no, type Probe, skipped, unknown, type Verdict, yes } from "../probe.ts";
import { listSome, type ProbeContext } from "../probe-context.ts";

/** Objects that are looked at in a bucket that is not ours. */
const listedMax = 50;
/** Bytes that are read of an object that is not ours, to see whether it may be read. */
const peekBytes = 1024;

/** What services say of a bucket that is in another region. */
const elsewhere =
  /^(PermanentRedirect|TemporaryRedirect|Redirect|AuthorizationHeaderMalformed|IncorrectEndpoint|IllegalLocationConstraintException)$/;

/** Asks about one absent key. That it is denied is an answer as well. */
export const reachable: Probe<ProbeContext> = {
  name: "reachable",
  question: "does it answer?",
  meaning:
    "Nothing can be read or written here: correct the address, the credentials or the network.",
  asksForRights: true,
  async run({ bucket, freshKey, found }, signal) {
    try {
      await bucket.head(freshKey("absent"), { signal });
      return yes("it answers");
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (error.code === "PERMISSION_DENIED") return yes("it answers, though it denies a HEAD");
      found.unreachable = error.detail;
      if (isElsewhere(error)) found.elsewhere = error.detail;
      return { ...no(error.detail), code: error.code };
    }
  },
};

function isElsewhere(error: unknown): boolean {
  if (!isStoreError(error, "CONFIG_INVALID")) return false;
  return elsewhere.test(error.serviceCode ?? "") || /\bregion\b/.test(error.detail);
}

/** Tells what the driver said of another region: where it followed a hint, it does not say. */
export const redirects: Probe<ProbeContext> = {
  name: "redirects",
  question: "is it where it is asked for?",
  meaning: "Requests go to the wrong place and are refused: set the region or the endpoint.",
  run: async ({ found }) =>
    found.elsewhere === undefined
      ? skipped(
          "nothing was redirected that the driver tells of; a region that it adopts, it keeps",
        )
      : no(found.elsewhere),
};

/** Asks for a list's first page. */
export const list: Probe<ProbeContext> = {
  name: "list",
  question: "may it be listed?",
  meaning:
    "Blobs can be fetched by digest only: no list, no history of tags, no collection of garbage.",
  asksForRights: true,
  async run(context, signal) {
    const { bucket, found } = context;
    if (!bucket.capabilities.list) {
      found.unlistable = "the driver can't list";
      return no(found.unlistable);
    }
    found.unlistable = "lists do not work";
    const items = await listSome(context, "", listedMax, { limit: listedMax, signal });
    found.unlistable = undefined;
    // What another run has left behind, or leaves just now, may be gone in a moment.
    found.listed = items.filter(({ key }) => !key.startsWith(context.home));
    return yes(items.length === 0 ? "it is empty" : `it answers a list of ${items.length} or more`);
  },
};

/** Reads the beginning of something that is there, ours or not. */
export const read: Probe<ProbeContext> = {
  name: "read",
  question: "may it be read?",
  meaning: "Blobs that are here can't be fetched: grant the right to read objects.",
  asksForRights: true,
  async run(context, signal): Promise<Verdict> {
    const { bucket, found, knownKey } = context;
    const listed = found.listed.find(({ archived }) => !archived)?.key;
    const key = found.writtenKey ?? knownKey ?? listed;
    if (key === undefined) {
      return unknown("no object is known that could be read: name one, or let the doctor write");
    }
    const content = await bucket.read(key, { signal });
    if (content === undefined) return no("an object that is there reads as absent");
    await using open = content;
    let bytes = 0;
    for await (const chunk of open.body) {
      bytes += chunk.byteLength;
      if (bytes >= peekBytes) break;
    }
    found.hasRead = true;
    return yes("an object was read");
  },
};

/** Reads an absent key: those who may not list are told by S3 that it is denied. */
export const absence: Probe<ProbeContext> = {
  name: "absence",
  question: "does it say of an absent object that it is absent?",
  meaning: "A miss can't be told from a refusal here.",
  async run({ bucket, freshKey, found }, signal) {
    try {
      const content = await bucket.read(freshKey("absent"), { signal });
      if (content === undefined) return yes("an absent object is a miss");
      await content[Symbol.asyncDispose]();
      return no(
        "an absent object is answered with bytes",
        "What is not here seems to be, so other tiers are not asked: reads fail as corrupt.",
      );
    } catch (error) {
      if (!isStoreError(error, "PERMISSION_DENIED")) throw error;
      const { code } = error;
      if (!found.hasRead) return { ...unknown("it denies every read so far"), code };
      found.deniesAbsent = true;
      return {
        ...no(
          "a GET of an absent object is denied, though others are not",
          "A miss looks like a refusal, so lookups end in an error: grant the right to list, or set " +
            "forbiddenMeans=miss on the tier.",
        ),
        code,
      };
    }
  },
};
