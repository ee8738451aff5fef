import type { IncomingMessage } from "node:http";
import { StoreError, throwIfAborted } from "@bitstore/core";
import { textOf } from "./answer.ts";
import type { Call } from "./call.ts";
import { type JsonObject, parseObject } from "./json-fields.ts";
import { refusalOf } from "./refusal.ts";
import { toStoreError } from "./to-store-error.ts";

/** Reads an answer that is to be a success with a JSON object; anything else rejects. */
export async function jsonAnswer(
  answer: IncomingMessage,
  name: string,
  call: Pick<Call, "operation" | "subject" | "signal">,
): Promise<JsonObject> {
  const { operation, subject, signal } = call;
  if (answer.statusCode !== 200 && answer.statusCode !== 201) {
    throw await refused(answer, name, call);
  }
  let text: string;
  try {
    text = await textOf(answer);
  } catch (error) {
    throwIfAborted(signal, operation, subject);
    throw toStoreError(error, operation, name, subject);
  }
  const object = parseObject(text);
  if (object !== undefined) return object;
  throw new StoreError({
    code: "UNAVAILABLE",
    operation,
    source: name,
    subject,
    message: "the answer is no JSON object: check `endpoint`",
  });
}

/** Makes the error of an answer that is no success; releases the connection. */
export async function refused(
  answer: IncomingMessage,
  name: string,
  { operation, subject, signal }: Pick<Call, "operation" | "subject" | "signal">,
): Promise<StoreError> {
  const refusal = await refusalOf(answer);
  throwIfAborted(signal, operation, subject);
  return toStoreError(refusal, operation, name, subject);
}
