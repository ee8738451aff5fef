import { type Clock, StoreError } from "@bitstore/core";
import { type HeaderSource, loadCredential } from "./load-credential.ts";
import type { GcsCredential } from "./options.ts";
import { toStoreError } from "./to-store-error.ts";

/** What one request is authorized with, and how it went. */
export interface Authorization {
  readonly headers: Readonly<Record<string, string>>;
  /** Says that the service took it. */
  accepted(): void;
  /** Says that the service answered 401. Returns the error, or undefined: authorize once more. */
  refused(): StoreError | undefined;
}

/** Chooses among several credentials. */
export interface Authorizer {
  /**
   * Resolves to the headers of the first candidate that can be loaded and was not refused, and
   * stays with that one; its tokens are renewed before they expire. A candidate whose token is
   * refused gets one new token before the next has its turn. Where the last one fails it rejects
   * with UNAUTHENTICATED, and starts over with the first some seconds later. A token endpoint that
   * does not answer is UNAVAILABLE, and no reason to become somebody else.
   */
  authorize(): Promise<Authorization>;
}

export interface AuthorizerOptions {
  readonly credentials: readonly GcsCredential[];
  /** URL of the service, for tokens that are made for one service. */
  readonly audience: string;
  readonly projectId: string | undefined;
  /** Of the bucket, for messages. */
  readonly name: string;
  readonly clock: Clock;
}

interface Candidate {
  readonly credential: GcsCredential;
  source: Promise<HeaderSource> | undefined;
  /** A token of it was refused: the next one is its last. */
  suspect: boolean;
  /** Why it is of no use. */
  failure: string | undefined;
}

/** Milliseconds after which failed candidates are tried again: a login may have happened. */
const startOverMs = 10_000;

export function authorizerOf(options: AuthorizerOptions): Authorizer {
  const { credentials, audience, projectId, name, clock } = options;
  const fresh = (credential: GcsCredential): Candidate => ({
    credential,
    source: undefined,
    suspect: false,
    failure: undefined,
  });
  let candidates = credentials.map(fresh);
  let at = 0;
  let exhaustedAt: number | undefined;

  function exhausted(): StoreError {
    exhaustedAt ??= clock.now();
    const tried = candidates.map(({ credential, failure }) => `${labelOf(credential)}: ${failure}`);
    return new StoreError({
      code: "UNAUTHENTICATED",
      operation: "authorize",
      source: name,
      message: `no credentials work: ${tried.join("; ")}`,
    });
  }

  /** Gives the turn to the next candidate, or makes the error where there is none. */
  function leave(candidate: Candidate, why: string): StoreError | undefined {
    if (candidates[at] !== candidate) return undefined;
    candidate.failure = why;
    if (at === candidates.length - 1) return exhausted();
    at += 1;
    return undefined;
  }

  function refused(candidate: Candidate, source: Promise<HeaderSource>): StoreError | undefined {
    // Another request may have found that out already, and got a new token since.
    if (candidate.source !== source) return undefined;
    if (candidate.suspect || candidate.credential === "anonymous") {
      return leave(candidate, "refused (401)");
    }
    candidate.suspect = true;
    candidate.source = undefined;
    return undefined;
  }

  async function authorizeAs(candidate: Candidate): Promise<Authorization | undefined> {
    candidate.source ??= loadCredential(candidate.credential, projectId);
    const { source } = candidate;
    let headers: Authorization["headers"];
    try {
      headers = await (await source)(audience);
    } catch (error) {
      const failure = toStoreError(error, "authorize", name);
      if (candidate.source === source) candidate.source = undefined;
      if (failure.persistence === "transient") throw failure;
      const known = failure.code !== "INTERNAL";
      const left = leave(candidate, known ? failure.detail : "the key can't be used");
      if (left !== undefined) throw left;
      return undefined;
    }
    return {
      headers,
      refused: () => refused(candidate, source),
      accepted: () => {
        candidate.suspect = false;
        candidate.failure = undefined;
        if (candidates[at] === candidate) exhaustedAt = undefined;
      },
    };
  }

  async function authorize(): Promise<Authorization> {
    if (exhaustedAt !== undefined && clock.now() - exhaustedAt > startOverMs) {
      candidates = credentials.map(fresh);
      at = 0;
      exhaustedAt = undefined;
    }
    for (;;) {
      const candidate = candidates[at];
      // Without a source it could not even be loaded: asking again at once would tell nothing new.
      const hopeless = candidate?.failure !== undefined && candidate.source === undefined;
      if (candidate === undefined || hopeless) throw exhausted();
      const authorization = await authorizeAs(candidate);
      if (authorization !== undefined) return authorization;
    }
  }

  return { authorize };
}

/** Names a credential in messages, without anything of its content. */
function labelOf(credential: GcsCredential): string {
  if (typeof credential === "string") return credential;
  return "keyFile" in credential ? `key file ${credential.keyFile}` : "key";
}
