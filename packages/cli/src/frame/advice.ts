import { configProblems } from "@bitstore/config";
import type { ErrorCode, StoreError } from "@bitstore/core";
import { hintIn } from "./hinted.ts";
import { formatMs } from "./units.ts";

const credentials =
  "credentials come from each service's own environment, such as AWS_PROFILE, " +
  "GOOGLE_APPLICATION_CREDENTIALS or AZURE_STORAGE_CONNECTION_STRING";

const adviceByCode: Readonly<Partial<Record<ErrorCode, string>>> = {
  UNAUTHENTICATED: credentials,
  INDETERMINATE: "ask with `bitstore has` what came of it before it is done again",
  ARCHIVED: "restore the object from cold storage with the service's own tools first",
  INTERNAL: "this is a defect of bitstore; report it with what --verbose shows",
};

/** Finds the line of advice for an error: its own, or one for its code. */
export function adviceFor(error: StoreError): string | undefined {
  const own = hintIn(error);
  if (own !== undefined) return own;
  if (error.retryAfterMs !== undefined) return `try again in ${formatMs(error.retryAfterMs)}`;
  if (error.code === "PERMISSION_DENIED" && error.source !== undefined) return credentials;
  const asked = error.attempts !== undefined && error.attempts.length > 0;
  if (asked && error.operation === "open" && error.subject !== undefined) {
    return `bitstore explain ${error.subject}`;
  }
  if (error.code === "CONFIG_INVALID" && configProblems(error).length === 0) {
    return "bitstore init writes a config with every setting explained";
  }
  return adviceByCode[error.code];
}
