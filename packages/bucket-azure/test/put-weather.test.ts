import { type Bucket, type Clock, systemClock } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { type AzureBucketOptions, azureBucket } from "../src/index.ts";
import { failure } from "./expectations.ts";
import {
  answerCreated,
  answerError,
  type Answering,
  type Asked,
  stubService,
} from "./stub-service.ts";

// Puts against a service that fails at one step. The stub keeps every request, so that a test can
// say what was sent, how often, and in which order.

const partBytes = 1000;
const uploadId = "00000000-0000-4000-8000-000000000001";

/** A clock whose pauses end at once; it keeps how long they would have been. */
function hastyClock(pauses: number[] = []): Clock {
  return {
    now: () => systemClock.now(),
    after: (delayMs, callback) => {
      pauses.push(delayMs);
      return systemClock.after(0, callback);
    },
  };
}

function bucketAt(endpoint: string, more: Partial<AzureBucketOptions> = {}): Bucket {
  return azureBucket({
    container: "box",
    endpoint,
    anonymous: true,
    environment: {},
    partBytes,
    clock: hastyClock(),
    uploadId: () => uploadId,
    ...more,
  });
}

/** Says which request of an upload this is. */
function stepOf({ method, query }: Asked): string {
  if (method !== "PUT") return method;
  return query.get("comp") ?? "whole";
}

const steps = (asked: readonly Asked[]): string[] => asked.map(stepOf);

/** Answers one step of an upload by the test's hand, and the others well. */
function failing(step: string, answer: Answering, head?: Answering): Answering {
  return (asked, response) => {
    if (stepOf(asked) === step) return answer(asked, response);
    if (asked.method === "HEAD") {
      return (head ?? ((one, to) => answerError(one, to, 404, "BlobNotFound")))(asked, response);
    }
    return answerCreated(response);
  };
}

const lose: Answering = (_, response) => {
  response.destroy();
};

/** Answers HEAD with an object of that mark and entity tag. */
function object(mark: string, etag = '"0x7"'): Answering {
  return (_, response) => {
    response.writeHead(200, { etag, "x-ms-meta-bitstoreput": mark, "content-length": 5 }).end();
  };
}

const bytes = Buffer.from("hello");
const large = Buffer.alloc(3 * partBytes + 1, "0123456789");

describe("an object that goes in one request", () => {
  it("is sent once where the service is busy, for others decide about retries", async () => {
    const busy: Answering = (asked, response) => answerError(asked, response, 503, "ServerBusy");
    await using service = await stubService(failing("whole", busy));
    await failure(bucketAt(service.endpoint).put("blob", bytes), "RATE_LIMITED");
    expect(steps(service.asked)).toEqual(["whole"]);
  });

  it.each([
    ["created, where it has the mark", { ifAbsent: true }, object(`whole-${uploadId}`), "created"],
    ["existed, where it has another", { ifAbsent: true }, object("whole-other"), "existed"],
    ["replaced, where it has the mark", {}, object(`whole-${uploadId}`), "replaced"],
    ["replaced with a version", { ifVersion: "0x6" }, object(`whole-${uploadId}`), "replaced"],
  ])("whose answer is lost is %s", async (_, options, head, outcome) => {
    await using service = await stubService(failing("whole", lose, head));
    expect(await bucketAt(service.endpoint).put("blob", bytes, options)).toBe(outcome);
    expect(steps(service.asked)).toEqual(["whole", "HEAD"]);
  });

  it.each([
    ["is absent, the put may be made again", { ifAbsent: true }, undefined, "UNAVAILABLE"],
    ["is another's, the put may be made again", {}, object("whole-other"), "UNAVAILABLE"],
    ["is as it was, so is the replace", { ifVersion: "0x7" }, object("whole-x"), "UNAVAILABLE"],
    ["is neither, nobody knows", { ifVersion: "0x6" }, object("whole-x"), "INDETERMINATE"],
    ["is absent, nobody knows of a replace", { ifVersion: "0x6" }, undefined, "INDETERMINATE"],
    ["can't be asked for", { ifAbsent: true }, lose, "UNAVAILABLE"],
    ["can't be asked for, nobody knows", { ifVersion: "0x6" }, lose, "INDETERMINATE"],
  ] as const)("whose answer is lost, where the object %s", async (_, options, head, code) => {
    await using service = await stubService(failing("whole", lose, head));
    const error = await failure(bucketAt(service.endpoint).put("blob", bytes, options), code);
    expect(error.persistence).toBe(code === "UNAVAILABLE" ? "transient" : "permanent");
    expect(steps(service.asked)).toEqual(["whole", "HEAD"]);
  });

  it("is not asked after where the answer leaves no doubt", async () => {
    const gone: Answering = (one, response) => answerError(one, response, 404, "ContainerNotFound");
    await using service = await stubService(failing("whole", gone));
    await failure(bucketAt(service.endpoint).put("blob", bytes), "UNAVAILABLE");
    expect(steps(service.asked)).toEqual(["whole"]);
  });

  it("says that nothing listened", async () => {
    const service = await stubService(() => undefined);
    await service[Symbol.asyncDispose]();
    const error = await failure(bucketAt(service.endpoint).put("blob", bytes), "UNAVAILABLE");
    expect(error.message).toContain("nothing listens there");
  });

  it.each([
    [409, "BlobAlreadyExists"],
    [412, "ConditionNotMet"],
    [412, "LeaseIdMissing"],
    [409, "BlobArchived"],
    [409, "BlobBeingRehydrated"],
  ])("existed where a create is answered with %i %s", async (status, code) => {
    const taken: Answering = (asked, response) => answerError(asked, response, status, code);
    await using service = await stubService(failing("whole", taken));
    const outcome = await bucketAt(service.endpoint).put("blob", bytes, { ifAbsent: true });
    expect(outcome).toBe("existed");
    expect(service.asked[0]?.headers["if-none-match"]).toBe("*");
  });

  it("does not take another conflict for a key that is taken", async () => {
    const conflict: Answering = (one, response) => answerError(one, response, 409, "Whatever");
    await using service = await stubService(failing("whole", conflict));
    const putting = bucketAt(service.endpoint).put("blob", bytes, { ifAbsent: true });
    await failure(putting, "UNAVAILABLE");
  });

  it("is aborted while it is sent, and not asked after", async () => {
    const control = new AbortController();
    await using service = await stubService(failing("whole", () => control.abort()));
    const { signal } = control;
    await failure(bucketAt(service.endpoint).put("blob", bytes, { signal }), "ABORTED");
    await service.allClosed();
    expect(steps(service.asked)).toEqual(["whole"]);
  });
});

describe("an object that goes in blocks", () => {
  it("is committed once, in order, under names of the upload's own", async () => {
    await using service = await stubService(failing("", lose));
    const bucket = bucketAt(service.endpoint, { accessTier: "Cool", encryptionScope: "scope1" });
    const contentType = "text/plain";
    expect(await bucket.put("blob", large, { ifAbsent: true, contentType })).toBe("created");
    const blocks = service.asked.filter((asked) => stepOf(asked) === "block");
    const ids = blocks.map(({ query }) => query.get("blockid") ?? "");
    const byId = new Map(blocks.map((asked) => [asked.query.get("blockid"), asked.body]));
    const commit = service.asked.at(-1);
    const listed = [...String(commit?.body).matchAll(/<Latest>([^<]+)</g)].map(([, id]) => id);
    expect(listed).toHaveLength(4);
    expect(new Set(listed)).toEqual(new Set(ids));
    expect(Buffer.concat(listed.map((id) => byId.get(id ?? "") ?? bytes))).toEqual(large);
    for (const id of ids) {
      const name = Buffer.from(id, "base64").toString();
      expect(name).toHaveLength(48);
      expect(name.startsWith(uploadId)).toBe(true);
    }
    for (const { headers } of blocks) {
      expect(headers["x-ms-encryption-scope"]).toBe("scope1");
      expect(headers["if-none-match"]).toBeUndefined();
    }
    expect(commit?.headers).toMatchObject({
      "if-none-match": "*",
      "x-ms-encryption-scope": "scope1",
      "x-ms-access-tier": "Cool",
      "x-ms-blob-content-type": contentType,
      "x-ms-meta-bitstoreput": `blocks-${uploadId}`,
    });
    // An MD5 that nobody has checked would look like the service's own.
    expect(commit?.headers["x-ms-blob-content-md5"]).toBeUndefined();
  });

  it("sends a block again that failed in passing, after the pause that was asked", async () => {
    const pauses: number[] = [];
    let failures = 0;
    await using service = await stubService(
      failing("block", (asked, response) => {
        if (asked.body.byteLength !== 1 || failures === 2) return answerCreated(response);
        failures += 1;
        if (failures === 2) return lose(asked, response);
        return answerError(asked, response, 503, "ServerBusy", { "retry-after": "3" });
      }),
    );
    const bucket = bucketAt(service.endpoint, { clock: hastyClock(pauses) });
    expect(await bucket.put("blob", large)).toBe("replaced");
    expect(steps(service.asked).filter((step) => step === "block")).toHaveLength(6);
    expect(pauses).toEqual([3000, 500]);
  });

  it.each([
    ["thrice where it fails in passing", 500, "InternalError", {}, "UNAVAILABLE", 3],
    ["once where it fails for good", 403, "AuthorizationFailure", {}, "PERMISSION_DENIED", 1],
    ["once where the pause is long", 503, "ServerBusy", { "retry-after": "60" }, "RATE_LIMITED", 1],
  ] as const)(
    "sends a block %s, and commits nothing",
    async (_, status, code, headers, as, times) => {
      await using service = await stubService(
        failing("block", (asked, response) => {
          if (asked.body.byteLength !== 1) return answerCreated(response);
          return answerError(asked, response, status, code, headers);
        }),
      );
      await failure(bucketAt(service.endpoint).put("blob", large), as);
      const sent = steps(service.asked);
      expect(sent.filter((step) => step === "block")).toHaveLength(3 + times);
      expect(sent).not.toContain("blocklist");
    },
  );

  it("stops a body that hangs when a block has failed for good", async () => {
    const denied: Answering = (one, response) =>
      answerError(one, response, 403, "AccountIsDisabled");
    await using service = await stubService(failing("block", denied));
    let closed = false;
    const hanging = async function* () {
      try {
        yield large;
        await new Promise(() => undefined);
      } finally {
        closed = true;
      }
    };
    await failure(bucketAt(service.endpoint).put("blob", hanging), "PERMISSION_DENIED");
    // A generator that hangs can't be closed; what matters is that nobody waits for it.
    expect(closed).toBe(false);
  });

  it("holds no more blocks than partsInFlightMax", async () => {
    // The service keeps all blocks waiting, so the body is read as far as memory may go.
    const waiting: (() => void)[] = [];
    const full = Promise.withResolvers<void>();
    await using service = await stubService(
      failing("block", (_, response) => {
        waiting.push(() => answerCreated(response));
        if (waiting.length === 3) full.resolve();
      }),
    );
    let pulled = 0;
    const body = async function* () {
      for (; pulled < 20; pulled += 1) yield large.subarray(0, partBytes);
    };
    const putting = bucketAt(service.endpoint, { partsInFlightMax: 3 }).put("blob", body);
    await full.promise;
    // Time enough for one more to come, as it would through this very event loop.
    for (let turn = 0; turn < 500; turn += 1) await new Promise((go) => setImmediate(go));
    expect(waiting).toHaveLength(3);
    // The third block is on its way, the fourth has been asked for to know whether it is the last.
    expect(pulled).toBeLessThanOrEqual(4);
    const timer = setInterval(() => waiting.splice(0).forEach((go) => go()), 1);
    expect(await putting).toBe("replaced");
    clearInterval(timer);
    expect(steps(service.asked).filter((step) => step === "block")).toHaveLength(20);
  });

  it("has every byte in its place, whatever comes in which order", async () => {
    // Many blocks in odd chunks, answered late and out of order, some only at the second attempt:
    // the memory of a block that was sent is used again for another.
    const many = Buffer.from(
      Array.from({ length: 40 * partBytes + 17 }, (_, at) => (at * at) % 251),
    );
    const staged = new Map<string, Buffer>();
    let turn = 0;
    await using service = await stubService(
      failing("block", async (asked, response) => {
        turn += 1;
        const late = (turn * 7) % 5;
        for (let wait = 0; wait < late; wait += 1) await new Promise((go) => setImmediate(go));
        if (turn % 6 === 0) return answerError(asked, response, 500, "InternalError");
        staged.set(asked.query.get("blockid") ?? "", asked.body);
        return answerCreated(response);
      }),
    );
    const body = async function* () {
      for (let at = 0, step = 0; at < many.byteLength; at += step) {
        step = (step * 3 + 77) % 1500;
        yield many.subarray(at, at + step);
      }
    };
    await bucketAt(service.endpoint, { partAttemptsMax: 9 }).put("blob", body);
    const listed = [...String(service.asked.at(-1)?.body).matchAll(/<Latest>([^<]+)</g)];
    const parts = listed.map(([, id]) => staged.get(id ?? "") ?? Buffer.alloc(0));
    expect(parts).toHaveLength(41);
    expect(Buffer.concat(parts).equals(many)).toBe(true);
  });

  it.each([
    ["created, where the commit's answer is lost", { ifAbsent: true }, "created"],
    ["replaced, where the commit's answer is lost", {}, "replaced"],
  ])("is %s", async (_, options, outcome) => {
    const own = object(`blocks-${uploadId}`);
    await using service = await stubService(failing("blocklist", lose, own));
    expect(await bucketAt(service.endpoint).put("blob", large, options)).toBe(outcome);
    expect(steps(service.asked).slice(-2)).toEqual(["blocklist", "HEAD"]);
  });

  it.each([
    ["existed, of a create", { ifAbsent: true }, object("whole-x"), "existed"],
    ["a lost race, of a replace", { ifVersion: "0x6" }, object("whole-x"), "PRECONDITION_FAILED"],
    ["to be put again, of any other", {}, object("whole-x"), "UNAVAILABLE"],
  ])("whose blocks another upload has swept away is %s", async (_, options, head, outcome) => {
    const swept: Answering = (one, response) => answerError(one, response, 400, "InvalidBlockList");
    await using service = await stubService(failing("blocklist", swept, head));
    const putting = bucketAt(service.endpoint).put("blob", large, options);
    if (outcome === "existed") expect(await putting).toBe(outcome);
    else await failure(putting, outcome as "UNAVAILABLE");
  });

  it("is aborted while blocks are on their way, which are cut off", async () => {
    const control = new AbortController();
    await using service = await stubService(failing("block", () => control.abort()));
    const { signal } = control;
    await failure(bucketAt(service.endpoint).put("blob", large, { signal }), "ABORTED");
    await service.allClosed();
    expect(steps(service.asked)).not.toContain("blocklist");
  });
});
