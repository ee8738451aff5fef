import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type ServiceClock, throwIfAborted } from "@bitstore/core";
import { discard } from "./answer.ts";
import type { Authorization, Authorizer } from "./authorizer.ts";
import type { Endpoint } from "./endpoint.ts";
import type { GcsSettings } from "./options.ts";
import { raceAbort } from "./race-abort.ts";
import type { Refusal } from "./refusal.ts";
import { relabelled } from "./relabelled.ts";
import { toStoreError } from "./to-store-error.ts";
import type { Transport } from "./transport.ts";

/** One request of an operation. */
export interface Call {
  /** The verb and what it is about, for messages. */
  readonly operation: string;
  readonly subject: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  /** Whether the customer-supplied key goes along: for an object's bytes and metadata. */
  readonly withKey?: boolean | undefined;
  /** Whether a 401 is an answer like any other, and no reason to try other credentials. */
  readonly isProbe?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** Asks the service, with credentials. */
export interface Service {
  /** Resolves to the answer, whatever its status; a 401 rejects, except a probe's. */
  ask(call: Call): Promise<IncomingMessage>;
  /** Path of the bucket itself, or of what lies under it. */
  bucketPath(under: string, query: Query): string;
  objectPath(key: string, query: Query): string;
  uploadPath(query: Query): string;
  /** Path of the URL of an upload session: through our endpoint, whatever host the URL names. */
  sessionPath(location: string): string | undefined;
}

/** Requests that one call may cost when tokens are refused: more candidates than anyone has. */
const turnsMax = 20;

const unauthenticated: Refusal = {
  status: 401,
  reason: undefined,
  message: undefined,
  retryAfterMs: undefined,
};

export function gcsService(
  settings: GcsSettings,
  endpoint: Endpoint,
  authorizer: Authorizer,
  transport: Transport,
  time: ServiceClock,
): Service {
  const { name, userProject } = settings;
  const bucket = `b/${encodeURIComponent(settings.bucket)}`;
  const keyHeaders = encryptionHeaders(settings.encryptionKey);

  const headersOf = (call: Call, authorization: Authorization): Record<string, string> => ({
    "user-agent": "bitstore (gzip)",
    ...authorization.headers,
    ...(call.withKey === true ? keyHeaders : {}),
    ...(call.body === undefined ? {} : { "content-length": String(call.body.byteLength) }),
    ...call.headers,
  });

  /** Sends the request until it is authorized, or nobody is left to send it as. */
  async function send(call: Call): Promise<IncomingMessage> {
    for (let turn = 1; ; turn += 1) {
      const authorization = await raceAbort(authorizer.authorize(), call.signal);
      const answer = await transport.send({ ...call, headers: headersOf(call, authorization) });
      time.observe(answer.headers.date);
      if (answer.statusCode !== 401) {
        authorization.accepted();
        return answer;
      }
      if (call.isProbe === true) return answer;
      discard(answer);
      const failure = authorization.refused();
      if (failure !== undefined || turn === turnsMax) throw failure ?? unauthenticated;
    }
  }

  async function ask(call: Call): Promise<IncomingMessage> {
    const { operation, subject, signal } = call;
    throwIfAborted(signal, operation, subject);
    try {
      return await send(call);
    } catch (error) {
      throwIfAborted(signal, operation, subject);
      const failure = toStoreError(error, operation, name, subject);
      throw relabelled(failure, operation, name, subject);
    }
  }

  const under = (service: string, path: string, query: Query): string =>
    `${endpoint.basePath}${service}/${bucket}${path}${queryOf({ ...query, userProject })}`;

  return {
    ask,
    bucketPath: (path, query) => under("/storage/v1", path, query),
    objectPath: (key, query) => under("/storage/v1", `/o/${encodeURIComponent(key)}`, query),
    uploadPath: (query) => under("/upload/storage/v1", "/o", query),
    sessionPath: (location) => {
      const url = URL.parse(location, endpoint.origin);
      if (url === null) return undefined;
      const path = url.pathname + url.search;
      return url.origin === endpoint.origin ? path : endpoint.basePath + path;
    },
  };
}

function queryOf(query: Query): string {
  const pairs = Object.entries(query).filter((pair) => pair[1] !== undefined);
  if (pairs.length === 0) return "";
  return `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value ?? "")}`).join("&")}`;
}

function encryptionHeaders(key: Uint8Array | undefined): Readonly<Record<string, string>> {
  if (key === undefined) return {};
  return {
    "x-goog-encryption-algorithm": "AES256",
    "x-goog-encryption-key": Buffer.from(key).toString("base64"),
    "x-goog-encryption-key-sha256": createHash("sha256").update(key).digest("base64"),
  };
}
