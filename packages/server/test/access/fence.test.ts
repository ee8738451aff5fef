import { describe, expect, test } from "vitest";
import { createCors } from "../../src/access/cors.ts";
import { createFence, type FencedHeaders, type FenceOptions } from "../../src/access/fence.ts";
import { isLoopback, parseHost } from "../../src/access/host.ts";
import { openAccess } from "../../src/access/open-access.ts";
import { parseAccess } from "../../src/access/parse-access.ts";
import { allRoutes } from "../../src/routes/all-routes.ts";

function passes(options: Partial<FenceOptions>, headers: Partial<FencedHeaders>): boolean {
  const fence = createFence({ also: "loopback", hosts: [], origins: [], ...options });
  try {
    fence({ host: "localhost:7070", origin: undefined, "sec-fetch-site": undefined, ...headers });
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "PERMISSION_DENIED" });
    return false;
  }
}

describe("the fence of Host", () => {
  test("lets the names of this machine in, however they are written", () => {
    // Ports differ where the port is forwarded; a dot at the end is the same name.
    const names =
      "localhost localhost:7070 LOCALHOST localhost.:7070 app.localhost 127.0.0.1 127.0.0.1:80 " +
      "127.8.9.1 [::1] [::1]:7070 [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1]";
    for (const host of names.split(" ")) expect([host, passes({}, { host })]).toEqual([host, true]);
  });

  test("refuses names that a DNS answer may have pointed here, and what is no host", () => {
    // The first is DNS rebinding; the rest are ways to write something that looks like this machine.
    const names =
      "evil.example evil.example:7070 localhost.evil.example 127.0.0.1.evil.example 10.0.0.1 " +
      "[fe80::1] 2130706433 0x7f000001 127.1 0177.0.0.1 localhost:0 localhost:99999 localhost:x " +
      "[::1 ::1 user@localhost localhost/ localhost..";
    for (const host of names.split(" ")) {
      expect([host, passes({}, { host })]).toEqual([host, false]);
    }
    expect(passes({}, { host: undefined })).toBe(false);
    expect(passes({}, { host: "" })).toBe(false);
    expect(passes({}, { host: "a".repeat(300) })).toBe(false);
  });

  test("takes listed names, with their port where it is listed", () => {
    // Addresses can't be rebound, so where anybody may come from the network they are fine.
    expect(passes({ hosts: ["Store.Example."] }, { host: "store.example:443" })).toBe(true);
    expect(passes({ hosts: ["store.example:443"] }, { host: "store.example:444" })).toBe(false);
    expect(passes({ hosts: ["store.example:443"] }, { host: "store.example" })).toBe(false);
    expect(passes({ also: "addresses" }, { host: "10.0.0.1:7070" })).toBe(true);
    expect(passes({ also: "addresses" }, { host: "[fd00::1]:7070" })).toBe(true);
    expect(passes({ also: "addresses" }, { host: "evil.example" })).toBe(false);
    expect(passes({ also: "any" }, { host: "evil.example" })).toBe(true);
    expect(() => createFence({ also: "any", hosts: ["a b"], origins: [] })).toThrow("no host");
  });

  test("tells loopback from what looks like it", () => {
    // What a server listens on decides whether it needs authentication.
    for (const name of ["localhost", "127.0.0.1", "::1", "x.localhost"]) {
      expect(isLoopback(name)).toBe(true);
    }
    for (const name of ["0.0.0.0", "::", "10.0.0.1", "127.evil.example", "localhost.example", ""]) {
      expect([name, isLoopback(name)]).toEqual([name, false]);
    }
    expect(parseHost("[::FFFF:0:1]:9")).toEqual({ name: "::ffff:0:1", port: 9 });
  });
});

test("where callers without credentials are let in, no name is taken that DNS may have pointed here", () => {
  // Nothing else keeps a rebound page from reading what anybody on this network may.
  const tokens = [{ name: "ci", hash: `sha256:${"0".repeat(64)}`, scopes: ["read"] }];
  const fenceOf = (config: object): ((host: string) => void) => {
    const access = openAccess(parseAccess(config, "0.0.0.0"), { host: "0.0.0.0", secrets: [] });
    return (host) => access.fence({ host, origin: undefined, "sec-fetch-site": undefined });
  };
  expect(() => fenceOf({ auth: { tokens } })("evil.example")).not.toThrow();
  const auth = { tokens, anonymous: { scopes: ["read"] } };
  expect(() => fenceOf({ auth })("evil.example")).toThrow("server.hosts");
  expect(() => fenceOf({ auth })("192.0.2.1")).not.toThrow();
  expect(() => fenceOf({ auth, hosts: ["store.example"] })("store.example")).not.toThrow();
});

function methodsOfRoutes(): readonly string[] {
  const ready = (): Promise<never> => Promise.reject(new Error("nobody asks"));
  const routes = allRoutes({ ready, metrics: undefined, document: () => "" });
  return [...new Set(routes.map(({ declaration }) => declaration.method.toUpperCase()))];
}

describe("the fence of pages", () => {
  test("refuses a page of another site by Origin or Sec-Fetch-Site", () => {
    // Clients that are no browsers send neither; a page of the server's own sends both.
    const own = "http://localhost:7070";
    expect(passes({}, { origin: own, "sec-fetch-site": "same-origin" })).toBe(true);
    expect(passes({}, { "sec-fetch-site": "none" })).toBe(true);
    const refused: Partial<FencedHeaders>[] = [
      { origin: "http://evil.example" },
      { origin: "null" },
      { origin: "" },
      { origin: "http://localhost:7071" },
      { origin: "http://localhost:7070.evil.example" },
      { origin: "file://" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "" },
      { origin: own, "sec-fetch-site": "cross-site" },
    ];
    for (const headers of refused) expect([headers, passes({}, headers)]).toEqual([headers, false]);
    expect(passes({}, { host: "localhost", origin: "http://localhost:80" })).toBe(true);
    expect(passes({}, { host: "localhost", origin: "https://localhost" })).toBe(true);
  });

  test("takes pages of listed origins, and no others", () => {
    // A listed page is cross-site all the same.
    const origins = ["https://app.example"];
    const listed = { origin: "https://app.example", "sec-fetch-site": "cross-site" };
    expect(passes({ origins }, listed)).toBe(true);
    expect(passes({ origins }, { origin: "https://app.example.evil" })).toBe(false);
    expect(passes({ origins }, { origin: "http://app.example" })).toBe(false);
    expect(passes({ origins }, { origin: "https://app.example:8443" })).toBe(false);
  });
});

describe("CORS", () => {
  test("answers listed origins alone, and never with credentials", () => {
    // What is sent is looked at whole: a header too many would be a hole.
    const cors = createCors({ origins: ["https://app.example"] });
    const answer = cors.answer("https://app.example");
    expect(answer["access-control-allow-origin"]).toBe("https://app.example");
    expect(answer["vary"]).toBe("Origin");
    expect(cors.answer("https://evil.example")).toEqual({ vary: "Origin" });
    expect(cors.preflight("https://evil.example", "PUT")).toBeUndefined();
    expect(cors.preflight("https://app.example", undefined)).toBeUndefined();
    const any = createCors({ origins: ["*"] });
    expect(any.answer("https://x.example")["access-control-allow-origin"]).toBe("*");
    for (const headers of [
      answer,
      any.answer("https://x.example"),
      any.preflight("https://x", "PUT"),
    ]) {
      expect(Object.keys(headers ?? {})).not.toContain("access-control-allow-credentials");
    }
    const allowed = cors.preflight("https://app.example", "PATCH") ?? {};
    // Whatever method a route has a page may send, and each header that one heeds.
    const methods = allowed["access-control-allow-methods"]?.split(", ") ?? [];
    expect(methods).toEqual(expect.arrayContaining([...methodsOfRoutes()]));
    expect(allowed["access-control-allow-headers"]).toMatch(
      /If-Range.*Last-Event-ID.*X-Request-Id/,
    );
    expect(answer["access-control-expose-headers"]).toContain("X-Bitstore-Verified");
    expect(createCors({ origins: [] }).answer("https://x.example")).toEqual({});
    expect(() => createCors({ origins: ["https://*.example"] })).toThrow("no origin");
    expect(() => createCors({ origins: ["https://app.example/path"] })).toThrow("no origin");
    expect(() => createCors({ origins: ["null"] })).toThrow("no origin");
  });
});
