import { algorithms, type BlobStore } from "@bitstore/core";
import { expect } from "vitest";
import type { BlobSuite } from "../blob-suite.ts";
import { observedBody } from "../bodies.ts";
import { all, expectCode } from "../expectations.ts";

/** Where a capability is false the operation says UNSUPPORTED, and does nothing. */
export function blobUnsupportedCases(suite: BlobSuite<BlobStore>): void {
  suite.test("put, delete and list do what the capabilities say", [], async () => {
    const { source } = suite;
    const can = source.capabilities;
    const { digest, bytes } = await suite.fresh(100);
    const body = observedBody({ bytes });
    if (!can.put) {
      await expectCode(source.put(body.body, { digest }), "UNSUPPORTED");
      await expectCode(source.put(body.body), "UNSUPPORTED");
      expect(body.opened, "the body was not opened").toBe(0);
    }
    if (!can.delete) await expectCode(source.delete(digest), "UNSUPPORTED");
    if (!can.list) await expectCode(all(source.list()), "UNSUPPORTED");
  });

  suite.test("an algorithm that it can't hold can't be put", ["put"], async () => {
    for (const algorithm of algorithms) {
      if (suite.source.capabilities.algorithms.includes(algorithm)) continue;
      const { digest, bytes } = await suite.fresh(100, algorithm);
      const body = observedBody({ bytes });
      await expectCode(suite.source.put(body.body, { digest }), "UNSUPPORTED");
      await expectCode(suite.source.put(body.body, { algorithm }), "UNSUPPORTED");
      expect(body.opened, "the body was not opened").toBe(0);
    }
  });
}
