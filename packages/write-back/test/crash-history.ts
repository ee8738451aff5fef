import { type Digest, digestOf, isStoreError, StoreError } from "@bitstore/core";
import { type Random, seededBytes, seededRandom } from "@bitstore/conformance";
import { type WriteBack, writeBack, type WriteBackOptions } from "../src/index.ts";
import { type HandClock, handClock, settle } from "./hand-clock.ts";
import { type LossyFiles, lossyFiles } from "./lossy-files.ts";
import { type RawOrigin, rawOrigin, streamed, wrongAt } from "./raw-origin.ts";

/** What one history showed. */
export interface History {
  readonly violations: readonly string[];
  /** Puts that were acknowledged, and crashes that fell into work. */
  readonly acknowledged: number;
  readonly crashes: number;
}

/** How a history is told, and what of it is left out. */
export interface CrashOptions {
  /** Told of each call of the disk, each turn of a caller and each death. */
  readonly note?: ((line: string) => void) | undefined;
  /** Turns of callers that are left out, by their names. */
  readonly without?: ReadonlySet<string> | undefined;
  /** Told of each turn by its name, as it comes. */
  readonly onTurn?: ((turn: string) => void) | undefined;
}

/** What must be true of a blob. A rotten one is told of, and owed no more. */
type Owed = "nothing" | "present" | "deleted";

interface Blob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  owed: Owed;
  mayBeRotten: boolean;
}

const blobsMax = 10;
const workers = 3;
const bytesMax = 40_000;
const entriesMax = 6;
/** Virtual time after which whatever still waits waits for ever. */
const patienceMs = 30_000;
const directory = "/srv/journal";

/**
 * Runs a journal over a disk that loses what was not synced, and lets it die at random calls, two or
 * three times over: half of the deaths are kills, which keep what was called for, and half are losses
 * of power. The origin fails, refuses and loses answers meanwhile. At the end all is mended, and what
 * was acknowledged must be at the origin, what was deleted must not, and no byte may be wrong.
 */
export async function crashHistory(seed: number, options: CrashOptions = {}): Promise<History> {
  const { note = () => undefined, without = new Set(), onTurn = () => undefined } = options;
  const random = seededRandom(seed);
  const origin = rawOrigin();
  const violations: string[] = [];
  const blobs = await makeBlobs(random);
  const moods = random.fork("origin");
  let isWell = false;
  origin.isDeaf = () => moods.chance(0.4);
  origin.before = async () => {
    await settle(moods.below(4));
    if (isWell) return;
    const mood = moods.next();
    if (mood < 0.08) throw failure("UNAVAILABLE");
    if (mood < 0.15) throw failure("TIMEOUT");
    if (mood < 0.2) throw failure("RATE_LIMITED", moods.below(500));
    if (mood < 0.27) throw failure("PERMISSION_DENIED");
  };
  origin.after = async () => {
    await settle(moods.below(3));
    if (!isWell && moods.chance(0.1)) throw failure("TIMEOUT");
  };

  let files = lossyFiles();
  await files.makeFolder("/srv");
  await files.syncFolder("/");
  let acknowledged = 0;
  let crashes = 0;
  const generations = 1 + random.below(3);
  for (let generation = 0; generation < generations; generation += 1) {
    files.dieAt(files.calls + 1 + random.below(generation === 0 ? 220 : 160));
    const lane = random.fork(`run ${generation}`);
    files.onCall = (call, path) => note(`  ${call} ${path}`);
    const take = (turn: string, what: string): boolean => {
      const name = `${generation} ${turn}`;
      onTurn(name);
      if (!without.has(name)) note(`${name}: ${what}`);
      return !without.has(name);
    };
    const run = startRun({ files, random: lane, blobs, origin, violations, take });
    const died = files.died.then(() => "died" as const);
    const done = run.work().then(() => "done" as const);
    const ended = await Promise.race([died, done, run.expired.then(() => "stuck" as const)]);
    if (ended === "stuck") violations.push("stuck: something waits for ever");
    run.stop();
    // One that came to its end is killed too; what it has sent by then may still arrive.
    files.dieAt(0);
    acknowledged += run.acknowledged();
    if (ended === "died") crashes += 1;
    await settle();
    const isKill = random.chance(0.5);
    note(`${ended}, ${isKill ? "killed" : "and the power failed"}`);
    files = isKill ? files.afterKill() : files.afterPowerLoss(() => random.next());
    await checkPending(files, blobs, violations);
    if (random.chance(0.2)) spoilOne(files, random, blobs);
  }

  isWell = true;
  await finish(files, blobs, origin, violations);
  return { violations, acknowledged, crashes };
}

function failure(code: "UNAVAILABLE" | "RATE_LIMITED" | "PERMISSION_DENIED" | "TIMEOUT", ms = 0) {
  return new StoreError({ code, operation: "put", message: "a fault", retryAfterMs: ms });
}

async function makeBlobs(random: Random): Promise<Blob[]> {
  const blobs: Blob[] = [];
  for (let at = 0; at < blobsMax; at += 1) {
    const size = at === 0 ? 0 : 1 + random.below(9000);
    const bytes = seededBytes(size, at + 1);
    const digest = await digestOf(bytes, "sha256");
    blobs.push({ digest, bytes, owed: "nothing", mayBeRotten: false });
  }
  return blobs;
}

function optionsOf(files: LossyFiles, clock: HandClock, random: () => number): WriteBackOptions {
  return {
    directory,
    bytesMax,
    entriesMax,
    concurrencyMax: 2,
    files,
    clock,
    random,
    date: () => 0,
    uniqueId: () => `u${Math.floor(random() * 2 ** 40)}`,
    limits: {
      gatherBytes: 2500,
      stepBytes: 4000,
      readBytes: 2000,
      memoryBytesMax: 4000,
      waitMs: 400,
      retryMs: 20,
      retryMsMax: 200,
      refusedRetryMs: 5000,
      lazySyncMs: 100,
    },
  };
}

/** One process: it opens the journal, puts, deletes, and waits, until it dies. */
interface Run {
  /** Puts, deletes and reads, until it has done enough. */
  work(): Promise<void>;
  /** Says that the process is dead, so that nothing it still does counts. */
  stop(): void;
  /** Resolves when it has neither ended nor died for a very long time. */
  readonly expired: Promise<void>;
  /** Puts that were acknowledged. */
  acknowledged(): number;
}

interface RunParts {
  readonly files: LossyFiles;
  readonly random: Random;
  readonly blobs: readonly Blob[];
  readonly origin: RawOrigin;
  readonly violations: string[];
  /** Whether a turn of a lane is taken; it may be left out of a history that is told. */
  readonly take: (turn: string, what: string) => boolean;
}

function startRun({ files, random, blobs, origin, violations, take }: RunParts): Run {
  const clock = handClock();
  const expired = Promise.withResolvers<void>();
  let isDead = false;
  let acknowledged = 0;
  /** What was there at the start: files whose removal was not durable may have come back. */
  let found = { bytes: 0, entries: 0 };

  async function work(): Promise<void> {
    void runClock();
    const options = optionsOf(files, clock, () => random.next());
    const journal = await writeBack(origin, options);
    const { pendingBytes, pendingEntries } = journal.status();
    found = { bytes: pendingBytes, entries: pendingEntries };
    if (random.chance(0.3)) await openTwice(options);
    const lanes = Array.from({ length: workers }, (_, lane) => workLane(journal, lane));
    await Promise.all(lanes);
    if (random.chance(0.5)) await journal[Symbol.asyncDispose]();
  }

  async function runClock(): Promise<void> {
    while (!isDead && clock.now() < patienceMs) await clock.advance(20);
    expired.resolve();
  }

  async function openTwice(options: WriteBackOptions): Promise<void> {
    const second = writeBack(origin, options);
    const outcome = await second.then(
      () => "it was opened",
      (error: unknown) => (isStoreError(error, "UNAVAILABLE") ? undefined : String(error)),
    );
    if (outcome !== undefined) violations.push(`a second owner: ${outcome}`);
  }

  /** Each blob is one lane's own, so that what is owed of it is known. */
  async function workLane(journal: WriteBack, lane: number): Promise<void> {
    const own = random.fork(`lane ${lane}`);
    const mine = blobs.filter((_, at) => at % workers === lane);
    for (let turn = 0; turn < 6; turn += 1) {
      const blob = own.pick(mine);
      const what = own.next();
      const kind = ["put", "delete", "settled", "read"][
        [0.6, 0.75, 0.9, 1].findIndex((end) => what < end)
      ];
      if (!take(`${lane}.${turn}`, `${kind} ${blob.digest.slice(7, 15)}`)) continue;
      if (what < 0.6) await put(journal, blob, own);
      else if (what < 0.75) await remove(journal, blob);
      else if (what < 0.9) await settled(journal, blob);
      else await read(journal, blob);
      checkBudget(journal);
    }
  }

  async function put(journal: WriteBack, blob: Blob, chance: Random): Promise<void> {
    const { bytes, digest } = blob;
    const owed = blob.owed;
    if (owed === "deleted") blob.owed = "nothing";
    const naming = chance.chance(0.6) ? { digest } : {};
    const sizing = chance.chance(0.5) ? { size: bytes.byteLength } : {};
    const body = chance.chance(0.5) ? bytes : streamed(bytes);
    try {
      const result = await journal.put(body, { ...naming, ...sizing });
      if (result.digest !== digest) violations.push("a put acknowledged another blob");
      // What was told here can't be taken back by a process that is dead.
      if (isDead) return;
      acknowledged += 1;
      blob.owed = "present";
      blob.mayBeRotten = false;
    } catch (error) {
      if (isStoreError(error, "RATE_LIMITED") && error.retryAfterMs !== undefined) return;
      violations.push(`a put failed: ${String(error)}`);
    }
  }

  async function remove(journal: WriteBack, blob: Blob): Promise<void> {
    blob.owed = "nothing";
    await journal.source.delete(blob.digest);
    if (isDead) return;
    origin.blobs.delete(blob.digest);
    blob.owed = "deleted";
  }

  async function settled(journal: WriteBack, blob: Blob): Promise<void> {
    try {
      await journal.settled(blob.digest);
    } catch (error) {
      const isKnown = isStoreError(error, "PERMISSION_DENIED") || blob.mayBeRotten;
      if (!isKnown) violations.push(`settled: ${String(error)}`);
      return;
    }
    if (isDead || blob.owed !== "present" || blob.mayBeRotten) return;
    if (!origin.blobs.has(blob.digest)) violations.push("settled without the origin");
  }

  /** What was acknowledged can be read at once: here, or at the origin. */
  async function read(journal: WriteBack, blob: Blob): Promise<void> {
    if (blob.owed !== "present" || blob.mayBeRotten) return;
    const content = await journal.source.open(blob.digest);
    if (content === undefined && origin.blobs.has(blob.digest)) return;
    const bytes = await content?.bytes();
    if (isDead) return;
    if (bytes === undefined || Buffer.compare(bytes, blob.bytes) !== 0) {
      violations.push("an acknowledged blob can't be read");
    }
  }

  function checkBudget(journal: WriteBack): void {
    const { usedBytes, pendingBytes, pendingEntries } = journal.status();
    const isOver =
      usedBytes > Math.max(bytesMax, found.bytes) ||
      pendingEntries > Math.max(entriesMax, found.entries);
    if (isOver || pendingBytes > usedBytes) {
      violations.push(`over budget: ${usedBytes} bytes, ${pendingEntries} entries`);
    }
  }

  return {
    work,
    stop: () => {
      isDead = true;
    },
    expired: expired.promise,
    acknowledged: () => acknowledged,
  };
}

/** What has a blob's name has its bytes, at every moment: nothing half-written is to be seen. */
async function checkPending(
  files: LossyFiles,
  blobs: readonly Blob[],
  violations: string[],
): Promise<void> {
  if (!(await exists(files, `${directory}/pending`))) return;
  for (const [path, bytes] of files.walk(`${directory}/pending`)) {
    const hex = path.slice(path.lastIndexOf("/") + 1);
    const isSpoilt = blobs.some((each) => each.mayBeRotten && each.digest === `sha256:${hex}`);
    if (!isSpoilt && (await digestOf(bytes, "sha256")) !== `sha256:${hex}`) {
      violations.push(`half-written: ${bytes.byteLength} bytes as ${hex.slice(0, 8)}`);
    }
  }
}

async function exists(files: LossyFiles, path: string): Promise<boolean> {
  return await files.listFolder(path).then(
    () => true,
    () => false,
  );
}

/** Lets one bit of a pending file go bad. */
function spoilOne(files: LossyFiles, random: Random, blobs: readonly Blob[]): void {
  let paths: string[];
  try {
    paths = [...files.walk(`${directory}/pending`).keys()];
  } catch {
    return;
  }
  if (paths.length === 0) return;
  const path = random.pick(paths);
  const blob = blobs.find(({ digest }) => path.endsWith(digest.slice(digest.indexOf(":") + 1)));
  if (blob === undefined || blob.bytes.byteLength === 0) return;
  blob.mayBeRotten = true;
  files.spoil(path, (bytes) => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte)));
}

/** Mends all, drains the journal, and compares. */
async function finish(
  files: LossyFiles,
  blobs: readonly Blob[],
  origin: RawOrigin,
  violations: string[],
): Promise<void> {
  const clock = handClock();
  let isOver = false;
  const patience = new AbortController();
  const running = (async () => {
    while (!isOver) {
      await clock.advance(50);
      if (clock.now() > patienceMs) patience.abort();
    }
  })();
  const journal = await writeBack(
    origin,
    optionsOf(files, clock, () => 0.5),
  );
  await journal.drain(patience.signal).catch((error: unknown) => {
    if (!isStoreError(error, "DIGEST_MISMATCH")) violations.push(`drain: ${String(error)}`);
  });
  const { pendingEntries } = journal.status();
  if (pendingEntries !== 0) violations.push(`${pendingEntries} blobs stay behind`);
  await journal[Symbol.asyncDispose]();
  isOver = true;
  await running;
  for (const { digest, owed, mayBeRotten } of blobs) {
    const isThere = origin.blobs.has(digest);
    const isKept = [...files.walk(`${directory}/rotten`).keys()].some((path) =>
      path.includes(digest.slice(digest.indexOf(":") + 1)),
    );
    const isLost = owed === "present" && !isThere && !(mayBeRotten && isKept);
    // What was put again, and has arrived, is nothing to be told of any more.
    if (owed === "present" && !mayBeRotten && isKept) violations.push("told of for ever");
    if (isLost) violations.push(`lost: ${digest.slice(0, 16)}`);
    if (owed === "deleted" && isThere) violations.push(`came back: ${digest.slice(0, 16)}`);
  }
  for (const digest of await wrongAt(origin)) violations.push(`wrong bytes: ${digest}`);
  const left = [...files.walk(`${directory}/tmp`).keys()];
  if (left.length > 0) violations.push(`temporary files stay behind: ${left.join(" ")}`);
}
