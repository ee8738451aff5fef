import type { Clock } from "@bitstore/core";
import { discard } from "./answer.ts";
import type { Call, Service } from "./call.ts";
import { deadline } from "./deadline.ts";
import { refused } from "./json-answer.ts";

/** Milliseconds for the question, which no single caller can abort: several may wait for it. */
const timeoutMs = 30_000;

/**
 * Asks whether the bucket is there. Who may read objects need not be allowed to see the bucket, so
 * "you may not know" means yes: for a bucket that does not exist the service says so to everyone.
 */
export async function bucketExists(service: Service, name: string, clock: Clock): Promise<boolean> {
  const limit = deadline(clock, timeoutMs, "head", name);
  const call: Call = {
    operation: "head",
    subject: undefined,
    method: "GET",
    path: service.bucketPath("", { fields: "name" }),
    isProbe: true,
    signal: limit.signal,
  };
  try {
    const answer = await service.ask(call);
    const { statusCode } = answer;
    if (statusCode === 404 || statusCode === 401 || statusCode === 403 || statusCode === 200) {
      discard(answer);
      return statusCode !== 404;
    }
    throw await refused(answer, name, call);
  } finally {
    limit.cancel();
  }
}
