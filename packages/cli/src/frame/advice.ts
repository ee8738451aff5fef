import { configProblems } from "@bitstore/config";
import type { ErrorCode, StoreError } from "@bitstore/core";
import { hintIn } from "./hinted.ts";
import { formatMs } from "./units.ts";

const credentials =
  "credentials come from each service's own environment, such as AWS_PROFILE, " +
  "GOOGLE_APPLICATION_CREDENTIALS or AZURE_STORAGE_CONNECTION_STRING";

const token =
  "another bitstore goes by $BITSTORE_TOKEN, or the authorization header that the config says of " +
  "the tier, and for tags of metadata: { url: …, headers: { authorization: … } }; bitstore token " +
  "create makes tokens where the server is";

const receipt =
  "a token that is confined to tags names what it put within a day, or read through one of its " +
  "tags: bitstore put the file again with the same $BITSTORE_TOKEN, then set the tag";

const throughTags =
  "a token that is confined to tags reads what they name, as @TAG, or named, as @TAG@SEQ, and " +
  "nothing by its digest";

const adviceByCode: Readonly<Partial<Record<ErrorCode, string>>> = {
  INDETERMINATE: "ask with `bitstore has` what came of it before it is done again",
  ARCHIVED: "restore the object from cold storage with the service's own tools first",
  INTERNAL: "this is a defect of bitstore; report it with what --verbose shows",
};

/** Finds the line of advice for an error: its own, or one for its code. */
export function adviceFor(error: StoreError): string | undefined {
  const own = hintIn(error);
  if (own !== undefined) return own;
  if (error.retryAfterMs !== undefined) return `try again in ${formatMs(error.retryAfterMs)}`;
  if (error.code === "UNAUTHENTICATED" || error.code === "PERMISSION_DENIED") {
    return refusalAdvice(error);
  }
  const asked = error.attempts !== undefined && error.attempts.length > 0;
  if (error.attempts?.some((attempt) => isConfinement(attempt.error)) === true) return throughTags;
  const isRead = asked && error.operation === "open" && error.subject !== undefined;
  if (isRead && error.attempts.some(({ outcome }) => outcome === "corrupt")) {
    return (
      `bitstore verify ${error.subject} tells which copies are wrong; ` +
      "`bitstore put` of the right file replaces the origin's"
    );
  }
  const refused = refusedAttempt(error);
  if (refused !== undefined) return refusalAdvice(refused);
  if (isRead) return `bitstore explain ${error.subject}`;
  if (error.code === "CONFIG_INVALID") return configAdvice(error);
  return adviceByCode[error.code];
}

/** Finds what another bitstore that was asked refused; of other tiers `explain` tells more. */
function refusedAttempt({ attempts = [] }: StoreError): StoreError | undefined {
  const refused = attempts.find(
    ({ error }) =>
      isServer(error?.source) &&
      (error?.code === "UNAUTHENTICATED" || error?.code === "PERMISSION_DENIED"),
  );
  return refused?.error;
}

/** Who refused says by what it lets somebody in. */
function refusalAdvice(error: StoreError): string | undefined {
  const { code, source, detail } = error;
  if (isConfinement(error)) return throughTags;
  if (isServer(source)) return detail.includes("Bitstore-Receipt") ? receipt : token;
  return code === "UNAUTHENTICATED" || source !== undefined ? credentials : undefined;
}

/** Tells whether another bitstore refused because the token reaches nothing but its tags. */
function isConfinement(error: StoreError | undefined): boolean {
  return isServer(error?.source) && error?.detail.includes("confined to tags,") === true;
}

function isServer(source: string | undefined): boolean {
  return source?.startsWith("bitstore+") === true;
}

/** What is wrong may be the config, or what it names: the environment, a folder, a port. */
function configAdvice(error: StoreError): string | undefined {
  const { detail, operation } = error;
  const [, name] = /^env:(\S+) is (?:not set|empty)$/.exec(detail) ?? [];
  if (name !== undefined) {
    const secret = /server\.auth/.test(error.subject ?? "");
    const how = secret ? `export ${name}="$(openssl rand -hex 32)"` : `export ${name}=…`;
    return `${how}, in the environment of this process${secret ? "; keep it for the next" : ""}`;
  }
  if (/^file:.* can't be read/.test(detail)) return "correct the path, or who may read the file";
  if (configProblems(error).length > 0 || !(operation === "configure" || /config/.test(detail))) {
    return undefined;
  }
  return "bitstore init writes a config with every setting explained";
}
