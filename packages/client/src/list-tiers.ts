import { type CallOptions, type Role, throwIfAborted } from "@bitstore/core";
import type { Api } from "./wire/api.ts";
import { ask } from "./wire/ask.ts";
import { type Fields, fieldsOf } from "./wire/fields.ts";
import { problemError } from "./wire/problem.ts";
import { readJson } from "./wire/read-json.ts";
import { repeat } from "./wire/repeat.ts";

/** One tier of a server, and what it answered since the server started. */
export interface RemoteTier {
  readonly name: string;
  /** Its URL, without secrets. */
  readonly store: string;
  readonly role: Role;
  readonly origin: boolean;
  readonly readOnly: boolean;
  readonly hits: number;
  readonly misses: number;
  readonly failures: number;
  /** Milliseconds within which half of the last answers came, and 95 of 100; unknown at first. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  /** Undefined for a tier without one, such as a directory. */
  readonly breaker: "closed" | "open" | "half-open" | undefined;
}

/** Asks for a server's tiers, in the order in which it asks them. */
export async function listTiers(
  api: Api,
  { signal }: CallOptions = {},
): Promise<readonly RemoteTier[]> {
  throwIfAborted(signal, "tiers");
  return await repeat(api, { operation: "tiers", signal }, async () => {
    const answer = await ask(api, {
      method: "GET",
      path: "/v1/tiers",
      headers: { accept: "application/json" },
      operation: "tiers",
      subject: "of the server",
      signal,
    });
    if (answer.status !== 200) throw await problemError(answer);
    return fieldsOf(await readJson(answer), answer.asked)
      .objects("tiers")
      .map(parseTier);
  });
}

function parseTier(fields: Fields): RemoteTier {
  const { text, whole, number, maybe } = fields;
  const breaker = maybe("health", fields.object)?.maybe("breaker", (name) =>
    fields.object("health").object(name).text("state"),
  );
  return {
    name: text("name"),
    store: text("store"),
    role: text("role") === "cache" ? "cache" : "source",
    origin: fields.flag("origin"),
    readOnly: fields.flag("readOnly"),
    hits: whole("hits"),
    misses: whole("misses"),
    failures: whole("failures"),
    p50Ms: maybe("p50Ms", number),
    p95Ms: maybe("p95Ms", number),
    breaker:
      breaker === "closed" || breaker === "open" || breaker === "half-open" ? breaker : undefined,
  };
}
