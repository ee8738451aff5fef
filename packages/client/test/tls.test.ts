import { isStoreError } from "@bitstore/core";
import { expect, test } from "vitest";
import { testCertificate } from "../../../test/services/certificate.ts";
import { rottenServer } from "../../server/test/support/rotten-server.ts";
import { bitstoreClient } from "../src/index.ts";

test.each([true, false])(
  "a body that is broken off over TLS is a failure, never a shorter blob; its size known: %s",
  async (knowsSize) => {
    // A live server finds out in mid-stream that its tier's bytes are wrong.
    await using served = await rottenServer({ knowsSize, tls: testCertificate });
    await using client = bitstoreClient({
      url: served.url,
      tls: { ca: testCertificate.cert },
      environment: {},
      limits: { attemptsMax: 2, pauseMs: 1 },
    });
    const read = async (): Promise<number> => {
      await using content = await client.store.open(served.digest);
      if (content === undefined) return 0;
      let received = 0;
      for await (const chunk of content.body) received += chunk.byteLength;
      return received;
    };
    const error: unknown = await read().then(
      (received) => `it ended after ${received} bytes`,
      (thrown: unknown) => thrown,
    );
    expect(isStoreError(error)).toBe(true);
  },
);
