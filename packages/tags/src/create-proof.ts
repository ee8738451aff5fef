import {
  type Bucket,
  type Clock,
  collect,
  isStoreError,
  type PutOutcome,
  type StoreError,
  sleep,
  systemClock,
  throwIfAborted,
} from "@bitstore/core";

/** What a probe of one promise has found. */
export interface ProbeFinding {
  readonly holds: boolean;
  /** What was seen, one clause in plain words. */
  readonly detail: string;
}

/** What a bucket does about create-if-absent. A tag log stands on both. */
export interface CreateProof {
  /** The second creator of a key is told so, and the first one's bytes stay. */
  readonly createTwice: ProbeFinding;
  /** Of creators at once exactly one wins, and its bytes are there. */
  readonly racingCreators: ProbeFinding;
}

export interface CreateProofOptions {
  /** Where the probe's objects go: below `<prefix><nonce>/`. */
  readonly prefix: string;
  /** Makes the keys fresh; give every probe one of its own. */
  readonly nonce: string;
  readonly signal?: AbortSignal | undefined;
  /** Of the waits after throttling; the machine's own if left out. */
  readonly clock?: Clock | undefined;
}

/** Creators in a race. */
export const racersMax: number = 16;
/** Races, each for a key of its own: a window between a check and a write is not hit every time. */
const roundsMax = 4;
/** Tries of one request that is throttled or fails for a while. */
const attemptsMax = 5;
/** Milliseconds of the first wait; each after it is twice as long. GCS takes one write a second. */
const firstWaitMs = 250;
/** Milliseconds that the deletes at the end may take in all. */
const cleanUpMs = 10_000;
/** Bytes of an object of the probe, amply. */
const objectBytesMax = 4096;

/** What one creator was told; the error where that leaves open whether it created the object. */
type Answer = PutOutcome | StoreError;

interface Probing {
  readonly bucket: Bucket;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/**
 * Proves that a bucket honours create-if-absent: creates one key twice, then has 16 creators race
 * for one key, four times. The objects are deleted afterwards as far as that can be done.
 *
 * An answer that leaves open what happened (throttled, unavailable, timed out) is settled by reading
 * the key. Rejects with the bucket's own error where the probe can't be carried out: an outage or a
 * lack of rights is never a finding. It costs some 70 writes, 6 reads, and 5 deletes.
 */
export async function proveCreateIfAbsent(
  bucket: Bucket,
  options: CreateProofOptions,
): Promise<CreateProof> {
  const { write, createIfAbsent } = bucket.capabilities;
  if (write && !createIfAbsent) {
    const finding = broken("the bucket itself says that it can't create only where absent");
    return { createTwice: finding, racingCreators: finding };
  }
  const { clock = systemClock, signal } = options;
  const probing: Probing = { bucket, clock, signal };
  const keys: string[] = [];
  const freshKey = (name: string): string => {
    const key = `${options.prefix}${options.nonce}/${name}`;
    keys.push(key);
    return key;
  };
  try {
    const createTwice = await proveTwice(probing, freshKey("twice"));
    return { createTwice, racingCreators: await proveRaces(probing, freshKey) };
  } finally {
    await cleanUp(bucket, keys, clock);
  }
}

async function proveTwice(probing: Probing, key: string): Promise<ProbeFinding> {
  const first = bodyOf(key, 1);
  const second = bodyOf(key, 2);
  const answer = await settledCreate(probing, key, first);
  const before = await readBytes(probing, key);
  if (before === undefined) return broken(`a created object can't be read (${answer})`);
  if (!isSame(before, first)) return broken("a created object has other bytes than were sent");
  const again = await settledCreate(probing, key, second);
  const after = await readBytes(probing, key);
  if (after === undefined) return broken("the object was gone after it was created again");
  if (!isSame(after, first)) return broken("the second creator overwrote the first");
  if (again !== "existed") return broken(`the second creator was told "${again}"`);
  return { holds: true, detail: "the second creator was refused and the first one's bytes stay" };
}

/** Creates until there is an answer. One whose answer was lost may be told later that it exists. */
async function settledCreate(probing: Probing, key: string, body: Uint8Array): Promise<PutOutcome> {
  return await persist(probing, async () => {
    const answer = await create(probing, key, body);
    if (typeof answer === "string") return answer;
    throw answer;
  });
}

async function proveRaces(
  probing: Probing,
  freshKey: (name: string) => string,
): Promise<ProbeFinding> {
  let proven = 0;
  let unclear = 0;
  let last: StoreError | undefined;
  for (let round = 1; round <= roundsMax; round += 1) {
    const key = freshKey(`race-${round}`);
    const bodies = Array.from({ length: racersMax }, (_, racer) => bodyOf(key, racer));
    const answers = await race(probing, key, bodies);
    const problem = await problemOfRace(probing, key, bodies, answers);
    if (problem !== undefined) return broken(problem);
    const open = answers.filter((answer) => typeof answer !== "string");
    unclear += open.length;
    last = open[0] ?? last;
    // Of fewer than two that were answered nobody was refused, which proves nothing.
    if (answers.length - open.length > 1) proven += 1;
  }
  if (proven === 0 && last !== undefined) throw last;
  const throttled = unclear === 0 ? "" : `; ${unclear} answers were throttled or lost, and settled`;
  return {
    holds: true,
    detail: `of ${racersMax} creators at once one won, in ${proven} of ${roundsMax} races${throttled}`,
  };
}

/** Lets all create at once. A refusal of one counts when all are done, so that none comes later. */
async function race(
  probing: Probing,
  key: string,
  bodies: readonly Uint8Array[],
): Promise<Answer[]> {
  const results = await Promise.allSettled(bodies.map((body) => create(probing, key, body)));
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

/** Holds what the racers were told against what is there; undefined where they agree. */
async function problemOfRace(
  probing: Probing,
  key: string,
  bodies: readonly Uint8Array[],
  answers: readonly Answer[],
): Promise<string | undefined> {
  const told = (outcome: PutOutcome): number[] =>
    answers.flatMap((answer, racer) => (answer === outcome ? [racer] : []));
  const winners = told("created");
  const stored = await readBytes(probing, key);
  const open = answers.find((answer) => typeof answer !== "string");
  if (winners.length > 1) return `${winners.length} of ${racersMax} creators at once all won`;
  if (told("replaced").length > 0) return "a creator was told that it had replaced the object";
  if (stored === undefined) {
    // Nobody came through, so nobody was told anything.
    if (typeof open === "object" && told("existed").length + winners.length === 0) throw open;
    return "nothing is there after a race that somebody won";
  }
  const owner = bodies.findIndex((body) => isSame(body, stored));
  if (owner < 0) return "the object has the bytes of none of the creators";
  // Where all were refused, the one whose bytes are there was asked twice on its way, and told of the
  // second time.
  if (answers[owner] === "existed" && winners.length > 0) {
    return "the bytes are of a creator that was refused";
  }
  if (winners[0] !== undefined && winners[0] !== owner)
    return "the winner's bytes were overwritten";
  return undefined;
}

async function create(probing: Probing, key: string, body: Uint8Array): Promise<Answer> {
  const { bucket, signal } = probing;
  try {
    return await bucket.put(key, body, { size: body.byteLength, ifAbsent: true, signal });
  } catch (error) {
    if (isOpen(error)) return error;
    throw error;
  }
}

async function readBytes(probing: Probing, key: string): Promise<Uint8Array | undefined> {
  return await persist(probing, async () => {
    const content = await probing.bucket.read(key, { signal: probing.signal });
    return content === undefined ? undefined : await collect(content.body, objectBytesMax);
  });
}

/** Asks again, a few times, what fails for a while. */
async function persist<T>({ clock, signal }: Probing, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    throwIfAborted(signal, "probe");
    try {
      return await ask();
    } catch (error) {
      if (!isOpen(error) || attempt === attemptsMax) throw error;
      await sleep(clock, firstWaitMs * 2 ** (attempt - 1), signal).catch(() => undefined);
    }
  }
}

function isOpen(error: unknown): error is StoreError {
  return ["RATE_LIMITED", "UNAVAILABLE", "TIMEOUT", "INDETERMINATE"].some(
    (code) => isStoreError(error) && error.code === code,
  );
}

/** Deletes what the probe left, also after an abort; what can't be deleted stays. */
async function cleanUp(bucket: Bucket, keys: readonly string[], clock: Clock): Promise<void> {
  if (!bucket.capabilities.delete) return;
  const controller = new AbortController();
  const cancel = clock.after(cleanUpMs, () => controller.abort());
  await Promise.allSettled(keys.map((key) => bucket.delete(key, { signal: controller.signal })));
  cancel();
}

/** Every creator has other bytes, and another number of them: no mixture looks whole. */
function bodyOf(key: string, creator: number): Uint8Array {
  return new TextEncoder().encode(`${key} ${creator} ${".".repeat(creator)}`);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function broken(detail: string): ProbeFinding {
  return { holds: false, detail };
}
