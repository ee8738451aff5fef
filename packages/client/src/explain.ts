import { type CallOptions, type Digest, type Explanation, throwIfAborted } from "@bitstore/core";
import type { Api } from "./wire/api.ts";
import { ask } from "./wire/ask.ts";
import { fieldsOf } from "./wire/fields.ts";
import { parseAttempt } from "./wire/parse-attempts.ts";
import { problemError } from "./wire/problem.ts";
import { readJson } from "./wire/read-json.ts";
import { repeat } from "./wire/repeat.ts";

/** Asks what each of the server's tiers says of a blob. */
export async function explainBlob(
  api: Api,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<Explanation> {
  throwIfAborted(signal, "explain", digest);
  return await repeat(api, { operation: "explain", signal }, async () => {
    const path = `/v1/explain/${digest}`;
    const headers = { accept: "application/json" };
    const question = { path, headers, operation: "explain", subject: digest, signal } as const;
    const answer = await ask(api, { ...question, method: "GET" });
    if (answer.status !== 200) throw await problemError(answer);
    const fields = fieldsOf(await readJson(answer), answer.asked);
    const outcome = fields.text("outcome");
    return {
      digest: fields.digest("digest"),
      outcome: outcome === "found" || outcome === "absent" ? outcome : "unavailable",
      tier: fields.maybe("tier", fields.text),
      size: fields.maybe("size", fields.whole),
      attempts: fields.objects("attempts").map(parseAttempt),
    };
  });
}
