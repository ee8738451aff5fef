import {
  algorithmOf,
  type CallOptions,
  type Descriptor,
  type Digest,
  digestOf,
  StoreError,
} from "@bitstore/core";
import { ask } from "./ask.ts";
import type { Exchange } from "./exchange.ts";
import { commonHeaders, failedAnswer, type HttpApi } from "./http-api.ts";
import { codingOf, lengthOf } from "./read-plan.ts";
import { meaningOf } from "./status-table.ts";

type Stat = (digest: Digest, options: CallOptions) => Promise<Descriptor | undefined>;

/**
 * Makes the `stat` of one API, by HEAD. Many APIs answer HEAD wrongly, so it rejects with
 * UNSUPPORTED, rather than guess, at 405 and 501, at 204, without a Content-Length, and at a length
 * of 0 for a blob that is not empty. What is true of the API, not of the blob, is remembered.
 */
export function statByHead(api: HttpApi): Stat {
  const { asking, settings, source } = api;
  let refusal = settings.head ? undefined : "HEAD is not asked of this API (head is false)";

  function unsupported(digest: Digest, message: string): StoreError {
    const code = "UNSUPPORTED";
    return new StoreError({ code, operation: "stat", subject: digest, source, message });
  }
  function refuseFromNowOn(digest: Digest, message: string): StoreError {
    refusal = `${message}; set head to false`;
    return unsupported(digest, refusal);
  }

  async function described(answer: Exchange, digest: Digest): Promise<Descriptor | undefined> {
    const { status } = answer;
    if (status === 405 || status === 501) {
      throw refuseFromNowOn(digest, `the API answers HEAD with ${status}`);
    }
    // Frameworks answer 204 to any HEAD whose answer has no body, so it says nothing of the blob.
    if (status === 204) throw unsupported(digest, "the API answers HEAD with 204");
    const meaning = meaningOf(status);
    if (meaning.kind === "absent") return undefined;
    if (meaning.kind === "failure") {
      throw failedAnswer(api, answer, meaning, { operation: "stat", subject: digest, source });
    }
    const size = codingOf(answer, settings) === undefined ? lengthOf(answer) : undefined;
    if (size === undefined) {
      throw unsupported(digest, "the API's answer to HEAD does not say how long the blob is");
    }
    if (size === 0 && digest !== (await digestOf(new Uint8Array(), algorithmOf(digest)))) {
      throw refuseFromNowOn(digest, "the API answers HEAD with length 0 for a blob with bytes");
    }
    return { digest, size };
  }

  return async (digest, { signal }) => {
    if (refusal !== undefined) throw unsupported(digest, refusal);
    const release = await asking.limits.slot("stat", signal, digest);
    try {
      const asked = { operation: "stat", subject: digest, signal };
      const url = api.url(digest);
      const answer = await ask(asking, { ...asked, method: "HEAD", url, headers: commonHeaders });
      void answer.drain();
      return await described(answer, digest);
    } finally {
      release();
    }
  };
}
