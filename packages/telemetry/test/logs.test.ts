import { channel } from "node:diagnostics_channel";
import { StoreError } from "@bitstore/core";
import { expect, test } from "vitest";
import { createLogger, type Logger, type LoggerOptions, logEvents } from "../src/index.ts";

// Each line is one JSON object with level, time and message. Whatever is logged, no secret that is
// known by its name or form gets out, and no control character.

type Line = Readonly<Record<string, unknown>>;

function logged(options: Partial<LoggerOptions> = {}): {
  log: Logger;
  text: () => string;
  lines: () => Line[];
} {
  const written: string[] = [];
  const log = createLogger({ write: (line) => written.push(line), now: () => 0, ...options });
  return {
    log,
    text: () => written.join(""),
    lines: () => written.map((line) => JSON.parse(line) as Line),
  };
}

test("a line is an object with level, time, message and what is said", () => {
  const { log, lines, text } = logged({ fields: { service: "bitstore" } });
  const of = log.with({ requestId: "r-1" });
  of.info("served", { bytes: 7 });
  of.debug("not written");
  log.error("broken", { message: "a field of that name", time: 5 });
  const time = "1970-01-01T00:00:00.000Z";
  expect(lines()).toEqual([
    { level: "info", time, service: "bitstore", requestId: "r-1", bytes: 7, message: "served" },
    {
      level: "error",
      time,
      service: "bitstore",
      said: "a field of that name",
      at: 5,
      message: "broken",
    },
  ]);
  expect(text().endsWith("}\n")).toBe(true);
});

test("no secret gets out: by the name of its field, or by its form", () => {
  const { log, text } = logged();
  const secret = "s3cr3t-v4lue";
  log.info(`asked https://me:${secret}@host/x?sig=${secret}&n=1 with Bearer ${secret}`, {
    authorization: `Bearer ${secret}`,
    headers: { Cookie: secret, "x-api-key": secret, "X-Amz-Security-Token": secret, accept: "*/*" },
    config: [
      { secretAccessKey: secret, token: secret },
      { password: secret, sas: secret },
    ],
    url: `az://x?sv=1&sig=${secret}&X-Amz-Signature=${secret}`,
    error: new StoreError({
      code: "UNAVAILABLE",
      operation: "open",
      source: `s3://u:${secret}@b`,
      message: `refused Basic ${secret}`,
      cause: new Error(`?token=${secret}`),
    }),
    [`https://u:${secret}@h`]: 1,
  });
  log.with({ credential: secret }).warn("again");
  expect(text()).not.toContain(secret);
  expect(text()).toContain("*/*");
  expect(text()).toContain("n=1");
});

test("control characters and marks of direction are escaped", () => {
  const { log, lines, text } = logged();
  const evil = 'a\u001b[2Jb\nc\u007fd\u0085e\u2028f\u202eg"h';
  log.warn(evil, { [evil]: evil, error: new Error(evil) });
  // What JSON itself escapes would come back to life in whoever prints the value.
  const control = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
  expect(text().trimEnd()).not.toMatch(control);
  expect(JSON.stringify(lines())).not.toMatch(/\\u00|\\n|\\u2028/);
  expect(lines()[0]?.["message"]).toBe('a\\u{1b}[2Jb\\u{a}c\\u{7f}d\\u{85}e\\u{2028}f\\u{202e}g"h');
});

test("what is too deep, too long, circular or no JSON is cut and does not throw", () => {
  const { log, text, lines } = logged();
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  log.info("odd", {
    circle,
    bytes: new Uint8Array(5),
    big: 10n,
    many: Array.from({ length: 5000 }, (_, n) => n),
    long: "x".repeat(100_000),
    date: new Date(Number.NaN).getTime(),
    nothing: undefined,
    call: () => 1,
  });
  expect(text().length).toBeLessThan(20_000);
  expect(lines()[0]).toMatchObject({ bytes: "5 bytes", big: "10" });
});

test("a request that is over is a line whose level is its status's", () => {
  const { log, lines } = logged();
  const request = { requestId: "r", method: "GET", route: "/v1/blobs/{digest}", elapsedMs: 1.234 };
  for (const status of [200, 404, 403, 503]) {
    expect(log.writesRequest(status)).toBe(true);
    log.request({ ...request, status, principal: "ci" });
  }
  expect(lines().map(({ level }) => level)).toEqual(["info", "info", "warn", "error"]);
  expect(lines()[0]).toMatchObject({
    message: "GET /v1/blobs/{digest} 200",
    requestId: "r",
    elapsedMs: 1.2,
    principal: "ci",
  });
});

test("alarms, breakers, failed fills and given-up retries are told, until it is disposed", () => {
  const { log, lines } = logged();
  const events = logEvents(log);
  const error = new StoreError({ code: "UNAVAILABLE", operation: "put", message: "down" });
  channel("bitstore:alarm").publish({ kind: "corrupt-copy", subject: "d", source: "s", error });
  channel("bitstore:breaker").publish({ source: "s", state: "open" });
  channel("bitstore:breaker").publish({ source: "s", state: "closed" });
  channel("bitstore:fill").publish({ tier: "near", outcome: "failed", error });
  channel("bitstore:fill").publish({ tier: "near", outcome: "filled" });
  channel("bitstore:retry").publish({ source: "s", outcome: "over-budget", error });
  channel("bitstore:retry").publish({ source: "s", outcome: "retried", error });
  events[Symbol.dispose]();
  channel("bitstore:breaker").publish({ source: "s", state: "open" });
  expect(lines().map(({ level, message }) => [level, message])).toEqual([
    ["error", "alarm: corrupt-copy"],
    ["warn", "breaker open"],
    ["info", "breaker closed"],
    ["warn", "a fill failed"],
    ["warn", "retries: over-budget"],
  ]);
  expect(lines()[0]).toMatchObject({ error: { code: "UNAVAILABLE" }, subject: "d" });
});
