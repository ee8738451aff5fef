import { parseServerConfig } from "@bitstore/server";
import { describe, expect, test } from "vitest";

// The server's part of a config: what it fills in, and what it says is wrong.

describe("parseServerConfig", () => {
  test("fills in what is left out", () => {
    expect(parseServerConfig({})).toMatchObject({
      host: "127.0.0.1",
      port: 7070,
      tls: undefined,
      drainMs: 30_000,
      log: "error",
      audit: undefined,
      access: { mode: "none" },
    });
    expect(parseServerConfig(undefined).port).toBe(7070);
  });

  test("lets the command line go before the file", () => {
    const config = parseServerConfig({ host: "::1", port: 1 }, { host: "localhost", port: 0 });
    expect(config).toMatchObject({ host: "localhost", port: 0 });
  });

  test.each([
    [{ port: 99_999 }, "server.port"],
    [{ prt: 1 }, "prt"],
    [{ tls: { cert: "a" } }, "server.tls.key"],
    [{ limits: { burst: 0 } }, "server.limits.burst"],
    [{ log: "loud" }, "server.log"],
    [{ audit: 3 }, "server.audit"],
    [{ host: "0.0.0.0" }, "without authentication"],
    [{ trustedProxies: ["127.0.0.1"] }, "without authentication"],
    [{ trustedProxies: ["127.0.0.1/33"] }, "server.trustedProxies.0"],
    [[], "server"],
  ])("refuses %j, naming the key", (input, says) => {
    expect(() => parseServerConfig(input)).toThrow(says);
    expect(() => parseServerConfig(input)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});
