import type { IncomingMessage } from "node:http";
import { header, textOf } from "./answer.ts";
import { arrayField, objectField, parseObject, stringField } from "./json-fields.ts";

/** What the service said instead of doing it. */
export interface Refusal {
  readonly status: number;
  /** The service's word for it, such as `rateLimitExceeded`. */
  readonly reason: string | undefined;
  /** The service's sentence, cut. */
  readonly message: string | undefined;
  readonly retryAfterMs: number | undefined;
}

const refusalBytesMax = 64 * 1024;
const messageCharsMax = 300;

/** Reads why the service refused; releases the connection. Resolves even where the body breaks. */
export async function refusalOf(answer: IncomingMessage): Promise<Refusal> {
  const text = await textOf(answer, refusalBytesMax).catch(() => "");
  const error = objectField(parseObject(text), "error");
  return {
    status: answer.statusCode ?? 0,
    reason: stringField(arrayField(error, "errors")[0], "reason"),
    message: oneLine(stringField(error, "message") ?? (text.startsWith("<") ? "" : text)),
    retryAfterMs: retryAfterMs(header(answer, "retry-after"), header(answer, "date")),
  };
}

/** Reads `Retry-After`: seconds, or a date that is judged by the service's own clock. */
export function retryAfterMs(
  value: string | undefined,
  date: string | undefined,
): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const wait = Date.parse(value) - Date.parse(date ?? "");
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** Makes text from outside fit for a message: one line, no control characters, not long. */
export function oneLine(text: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- control characters are what it removes
  const plain = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\s]+/g, " ").trim();
  return plain === "" ? undefined : plain.slice(0, messageCharsMax);
}
