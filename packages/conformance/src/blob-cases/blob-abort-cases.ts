import { type BlobSource, StoreError } from "@bitstore/core";
import { expect } from "vitest";
import type { BlobSuite } from "../blob-suite.ts";
import { expectCode, expectSameBytes, promptly, rejectionOf, streamOf } from "../expectations.ts";

/** An abort ends a read promptly, and only the one whose signal it is. */
export function blobAbortCases(suite: BlobSuite<BlobSource>): void {
  suite.test("an aborted signal stops stat and open", [], async () => {
    const { digest } = await suite.planted(1000);
    const signal = AbortSignal.abort();
    await expectCode(suite.source.open(digest, { signal }), "ABORTED");
    if (suite.source.capabilities.stat) {
      await expectCode(suite.source.stat(digest, { signal }), "ABORTED");
    }
  });

  suite.test("a StoreError as the reason is what the caller gets", [], async () => {
    const { digest } = await suite.planted(1000);
    const reason = new StoreError({ code: "TIMEOUT", operation: "open", message: "too slow" });
    const signal = AbortSignal.abort(reason);
    expect(await rejectionOf(suite.source.open(digest, { signal }))).toBe(reason);
  });

  suite.test("abort of a read after its first chunk", [], async () => {
    const blob = await suite.planted(16 * 1024 * 1024);
    const controller = new AbortController();
    const content = await suite.source.open(blob.digest, { signal: controller.signal });
    const chunks: Uint8Array[] = [];
    const reading = (async () => {
      if (content === undefined) throw new Error("expected a read, got a miss");
      for await (const chunk of content.body) {
        chunks.push(chunk);
        controller.abort();
      }
    })();
    const [result] = await Promise.allSettled([promptly("the aborted read", reading)]);
    if (result.status === "fulfilled" && chunks.length === 1) {
      expectSameBytes(Buffer.concat(chunks), blob.bytes);
      return;
    }
    await expectCode(reading, "ABORTED");
  });

  suite.test("the abort of one reader leaves the others", [], async () => {
    const blob = await suite.planted(5 * 1024 * 1024);
    const controllers = Array.from({ length: 8 }, () => new AbortController());
    const opening = controllers.map(({ signal }) => suite.source.open(blob.digest, { signal }));
    const contents = await Promise.all(opening);
    const readings = contents.map((content) => promptly("a read", streamOf(content)));
    for (const controller of controllers.slice(0, 7)) controller.abort();
    const results = await Promise.allSettled(readings);
    for (const [at, result] of results.entries()) {
      if (result.status === "fulfilled") expectSameBytes(result.value, blob.bytes);
      else {
        expect(at, String(result.reason)).toBeLessThan(7);
        await expectCode(Promise.reject(result.reason), "ABORTED");
      }
    }
    expect(results[7]?.status).toBe("fulfilled");
    await suite.expectThere(blob);
  });
}
