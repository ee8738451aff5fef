import { readFile, stat } from "node:fs/promises";
import { StoreError } from "@bitstore/core";

/** Request headers whose values may be kept elsewhere. The values are in no message and no log. */
export interface HeaderValues {
  /** Resolves to the headers as they were last read, reading those that never were. */
  current(): Promise<Readonly<Record<string, string>>>;
  /**
   * Reads environment and files again; resolves to the headers, or to undefined where nothing
   * differs from `used`, so that asking again with them would be in vain.
   */
  refresh(
    used: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>> | undefined>;
}

const valueBytesMax = 64 * 1024;

/** Headers that this source sets itself, or that belong to one connection. */
const reserved: ReadonlySet<string> = new Set(
  (
    "accept-encoding connection content-encoding content-length expect host if-match " +
    "if-modified-since if-none-match if-range if-unmodified-since keep-alive proxy-authorization " +
    "proxy-connection range te trailer transfer-encoding upgrade"
  ).split(" "),
);

/**
 * Makes the headers of one source. A value is taken as it is, or is `env:NAME` or `file:PATH`, with
 * a scheme before it where there is one (`Bearer env:API_TOKEN`). Those are read at the first
 * request, not before, and again when the API answers 401, so that rotated tokens work.
 *
 * @throws CONFIG_INVALID for a name that is none, or that this source sets itself; later, from
 * `current` and `refresh`, for a variable or file that is absent or holds no header value.
 */
export function headerValues(
  configured: Readonly<Record<string, string>>,
  environment: NodeJS.ProcessEnv,
): HeaderValues {
  const entries = Object.entries(configured).map(([name, value]) => {
    const lower = name.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower)) throw refusal(name, "it is no header name");
    if (reserved.has(lower)) throw refusal(lower, "this header is set by the source itself");
    if (parseReference(value) === undefined) checkValue(lower, value);
    return [lower, value] as const;
  });
  let read: Promise<Readonly<Record<string, string>>> | undefined;

  async function readAll(): Promise<Readonly<Record<string, string>>> {
    const headers: Record<string, string> = {};
    for (const [name, value] of entries) headers[name] = await resolve(name, value, environment);
    return headers;
  }
  function readOnce(): Promise<Readonly<Record<string, string>>> {
    if (read !== undefined) return read;
    const reading = readAll();
    read = reading;
    // What could not be read is tried again by the next request.
    reading.catch(() => {
      if (read === reading) read = undefined;
    });
    return reading;
  }
  return {
    current: readOnce,
    async refresh(used) {
      const now = await readOnce();
      if (differ(used, now)) return now;
      read = undefined;
      const fresh = await readOnce();
      return differ(used, fresh) ? fresh : undefined;
    },
  };
}

interface Reference {
  readonly scheme: string;
  readonly kind: "env" | "file";
  readonly name: string;
}

function parseReference(value: string): Reference | undefined {
  const match = /^([A-Za-z][A-Za-z0-9-]* )?(env|file):(.+)$/.exec(value);
  if (match === null) return undefined;
  const kind = match[2] === "env" ? "env" : "file";
  return { scheme: match[1] ?? "", kind, name: match[3] ?? "" };
}

async function resolve(
  header: string,
  value: string,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const reference = parseReference(value);
  if (reference === undefined) return value;
  const { scheme, kind, name } = reference;
  const found =
    kind === "env" ? fromEnvironment(header, name, environment) : await fromFile(header, name);
  checkValue(header, scheme + found);
  return scheme + found;
}

function fromEnvironment(header: string, name: string, environment: NodeJS.ProcessEnv): string {
  const found = environment[name];
  if (found === undefined || found === "") {
    throw refusal(header, `the environment variable ${name} is not set`);
  }
  return found.trim();
}

async function fromFile(header: string, path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size <= valueBytesMax) return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
    throw refusal(header, `the file ${path} can't be read (${code})`, cause);
  }
  throw refusal(header, `the file ${path} is longer than ${valueBytesMax} bytes`);
}

function checkValue(header: string, value: string): void {
  if (/^[\t\u0020-\u007e\u0080-\u00ff]+$/.test(value)) return;
  throw refusal(header, "its value is empty or has a character that no header takes");
}

function differ(
  some: Readonly<Record<string, string>>,
  others: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(others).some(([name, value]) => some[name] !== value);
}

function refusal(header: string, message: string, cause?: unknown): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "read",
    subject: `header ${JSON.stringify(header.slice(0, 80))}`,
    message,
    cause,
  });
}
