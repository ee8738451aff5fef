import { type BlobStore, type Body, digestOf } from "@bitstore/core";
import { expect } from "vitest";
import type { BlobSuite } from "../blob-suite.ts";
import { verifyFirstBytes } from "../blobs-around-limits.ts";
import { chunked, observedBody } from "../bodies.ts";
import { expectAborted, expectSettles } from "../expect-aborted.ts";
import { expectCode, promptly, rejectionOf } from "../expectations.ts";

/** A put that fails stores nothing, under no name, and leaves what was there. */
export function blobPutFailureCases(suite: BlobSuite<BlobStore>): void {
  for (const size of [0, 1000, 200_000, verifyFirstBytes + 1000]) {
    for (const as of ["an array", "a stream", "a stream of known size"]) {
      suite.test(`${size} wrong bytes as ${as}: DIGEST_MISMATCH`, ["put"], async () => {
        const right = await suite.fresh(size);
        const wrong = await suite.fresh(size === 0 ? 1 : size);
        const body = as === "an array" ? wrong.bytes : chunked(wrong.bytes);
        const declared = as === "a stream of known size" ? { size: wrong.size } : {};
        // Nobody may hold the empty blob before, and everybody may: it is the same in every case.
        const before = size === 0 ? await suite.source.open(right.digest) : undefined;
        const putting = suite.source.put(body, { digest: right.digest, ...declared });
        await promptly("the put", expectCode(putting, "DIGEST_MISMATCH"));
        if (before === undefined) await suite.expectAbsent(right.digest);
        else await suite.expectThere(right);
        await before?.[Symbol.asyncDispose]();
        if (size > 0) await suite.expectAbsent(wrong.digest);
      });
    }

    suite.test(`${size} right bytes stay where wrong ones are put`, ["put"], async () => {
      const right = await suite.planted(size);
      const wrong = await suite.fresh(size + 1);
      for (const body of [wrong.bytes, chunked(wrong.bytes)]) {
        const putting = suite.source.put(body, { digest: right.digest });
        await promptly("the put", expectCode(putting, "DIGEST_MISMATCH"));
      }
      await suite.expectThere(right);
    });
  }

  suite.test("a text or a stream in place of a body is refused", ["put"], async () => {
    const blob = await suite.fresh(100);
    // Who calls without types passes a stream that can be read once, as other libraries take it.
    for (const none of ["text", chunked(blob.bytes)(), undefined, {}]) {
      const body = none as unknown as Body;
      for (const naming of [{ digest: blob.digest }, { digest: blob.digest, size: 100 }]) {
        const putting = suite.source.put(body, naming);
        await promptly("put of no body", expectCode(putting, "INVALID_ARGUMENT"));
      }
    }
    await suite.expectAbsent(blob.digest);
  });

  for (const size of [1000, verifyFirstBytes + 1000]) {
    for (const off of [-1, 1]) {
      suite.test(`${size} bytes declared as ${size + off}: refused`, ["put"], async () => {
        const blob = await suite.fresh(size);
        const declared = { size: size + off };
        const bodies = [blob.bytes, chunked(blob.bytes)];
        for (const body of bodies) {
          for (const naming of [{ digest: blob.digest }, { algorithm: suite.algorithm() }]) {
            const putting = suite.source.put(body, { ...declared, ...naming });
            const refused = expectCode(putting, "INVALID_ARGUMENT", "DIGEST_MISMATCH");
            await promptly("the put", refused);
          }
        }
        await suite.expectAbsent(blob.digest);
      });
    }

    for (const [when, given] of [
      ["at its first chunk", 0],
      ["in the middle", Math.floor(size / 2)],
      ["after its last byte", size],
    ] as const) {
      suite.test(`a body of ${size} that throws ${when}: its own error`, ["put"], async () => {
        const blob = await suite.fresh(size);
        const part = blob.bytes.subarray(0, given);
        for (const naming of [{ digest: blob.digest }, { algorithm: suite.algorithm() }]) {
          const own = new Error("the body's own");
          const body = observedBody({ bytes: part, ending: { error: own } });
          const error = await promptly("put", rejectionOf(suite.source.put(body.body, naming)));
          expect(error).toBe(own);
          expect(body.closed).toBe(body.opened);
        }
        await suite.expectAbsent(blob.digest);
        if (given > 0) await suite.expectAbsent(await digestOf(part, suite.algorithm()));
        // The blob can be put afterwards.
        await suite.source.put(chunked(blob.bytes), { digest: blob.digest });
        await suite.expectThere(blob);
      });
    }
  }

  suite.test("an aborted signal stops a put before it starts", ["put"], async () => {
    const blob = await suite.fresh(1000);
    const signal = AbortSignal.abort();
    for (const naming of [{ digest: blob.digest }, { algorithm: suite.algorithm() }]) {
      const body = observedBody({ bytes: blob.bytes });
      await expectCode(suite.source.put(body.body, { signal, ...naming }), "ABORTED");
      await expectCode(suite.source.put(blob.bytes, { signal, ...naming }), "ABORTED");
    }
    await suite.expectAbsent(blob.digest);
  });

  for (const naming of ["by digest", "of unknown digest"]) {
    suite.test(`abort of a put ${naming} whose body hangs`, ["put"], async () => {
      const blob = await suite.fresh(200_000);
      const controller = new AbortController();
      const half = blob.bytes.subarray(0, 100_000);
      const deviation =
        naming === "by digest" ? "put-abort-waits-for-body" : "unnamed-put-abort-waits-for-body";
      const body = observedBody({ bytes: half, ending: "stall", deaf: true });
      const putting = suite.source.put(body.body, {
        signal: controller.signal,
        ...(naming === "by digest" ? { digest: blob.digest } : { algorithm: suite.algorithm() }),
      });
      const waits = suite.deviates(deviation);
      const outcome = expectAborted(putting, waits);
      await promptly("the put reaching the stall", Promise.race([body.stalled, outcome]));
      controller.abort();
      await expectSettles(outcome, body, waits);
      await suite.expectAbsent(blob.digest);
    });
  }
}
