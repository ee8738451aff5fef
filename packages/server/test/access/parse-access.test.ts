import { describe, expect, test } from "vitest";
import { isStoreError } from "@bitstore/core";
import { mintToken } from "../../src/access/bearer-token.ts";
import { openAccess } from "../../src/access/open-access.ts";
import { parseAccess } from "../../src/access/parse-access.ts";

const { token, hash } = mintToken();
const entry = { name: "ci", hash, scopes: ["read"] };

function problem(input: unknown, host = "127.0.0.1"): string {
  try {
    parseAccess(input, host);
  } catch (error) {
    if (!isStoreError(error, "CONFIG_INVALID")) throw error;
    return error.message;
  }
  return "";
}

describe("the server's part of a config", () => {
  test("opens loopback to anybody, and nothing else without so many words", () => {
    // Whoever is refused is told all three ways out.
    expect(parseAccess({}, "127.0.0.1").mode).toBe("none");
    expect(parseAccess({ auth: "none" }, "::1").mode).toBe("none");
    for (const auth of [undefined, "none", { none: "yes" }]) {
      for (const host of ["0.0.0.0", "::", "10.0.0.1", "store.example"]) {
        const said = problem({ auth }, host);
        expect(said).toContain("token create");
        expect(said).toContain("127.0.0.1");
        expect(said).toContain("auth: { none:");
      }
    }
    const words = /none: "([^"]+)"/.exec(problem({}, "0.0.0.0"))?.[1];
    expect(parseAccess({ auth: { none: words } }, "0.0.0.0").mode).toBe("none");
    expect(parseAccess({ auth: { tokens: [entry] } }, "0.0.0.0").mode).toBe("required");
  });

  test("opens loopback to nobody whom a proxy lets in without so many words", () => {
    const open = (auth: unknown): unknown => parseAccess({ auth }, "127.0.0.1", true).mode;
    expect(() => open(undefined)).toThrow("for those whom trustedProxies let in");
    expect(() => open("none")).toThrow("token create");
    const words = /none: "([^"]+)"/.exec(problem({}, "0.0.0.0"))?.[1];
    expect(open({ none: words })).toBe("none");
    expect(open({ tokens: [entry] })).toBe("required");
  });

  test("reads tokens, and finds each mistake before the server starts", async () => {
    // The table has what would else open too much, or nothing.
    const config = parseAccess({ auth: { tokens: [entry] } }, "0.0.0.0");
    const access = openAccess(config, { host: "0.0.0.0", secrets: [] });
    const principal = await access.authenticate({ authorization: `Bearer ${token}` });
    expect(principal).toEqual({
      name: "ci",
      namespace: "default",
      scopes: new Set(["read"]),
      tagPrefixes: undefined,
    });
    const tokens = (more: object): string => problem({ auth: { tokens: [{ ...entry, ...more }] } });
    expect(problem({ auth: {} })).toContain("lets nobody in");
    expect(tokens({ hash: token })).toContain("sha256:HEX");
    expect(tokens({ hash: token })).not.toContain(token.slice(4, 20));
    expect(tokens({ scopes: ["all"] })).toContain("scopes");
    expect(tokens({ scopes: [] })).toContain("scopes");
    expect(tokens({ tagPrefixes: [] })).toContain("tagPrefixes");
    expect(tokens({ tagPrefixes: ["a//b"] })).toContain("tagPrefixes");
    expect(tokens({ tagPrefix: ["a"] })).toContain("tagPrefix");
    expect(tokens({ namespace: "other" })).toContain("lacks");
    expect(tokens({ expires: "soon" })).toContain("expires");
    expect(problem({ auth: { tokens: [entry, { ...entry, hash: mintToken().hash }] } })).toContain(
      "twice",
    );
    expect(problem({ auth: { tokens: [entry, { ...entry, name: "other" }] } })).toContain("twice");
  });

  test("takes no algorithm of a shared secret, and fetches keys by https alone", () => {
    // With HS256 allowed, the public key of the issuer would be a password that everybody knows.
    const jwt = {
      issuer: "https://issuer.example",
      audience: "bitstore",
      algorithms: ["RS256"],
      jwksUrl: "https://issuer.example/keys",
    };
    expect(problem({ auth: { jwt } })).toBe("");
    for (const algorithm of ["none", "HS256", "HS512", "rs256", "dir", "A128KW"]) {
      expect(problem({ auth: { jwt: { ...jwt, algorithms: ["RS256", algorithm] } } })).toContain(
        "not one of",
      );
    }
    const at = (jwksUrl: string): string => problem({ auth: { jwt: { ...jwt, jwksUrl } } });
    expect(at("http://issuer.example/keys")).toContain("https");
    expect(at("https://user:secret@issuer.example/keys")).toContain("user info");
    expect(at("https://user:secret@issuer.example/keys")).not.toContain("secret@");
    expect(at("file:///etc/passwd")).toContain("https");
    expect(problem({ auth: { jwt: { ...jwt, jwksUrl: undefined } } })).toContain("one of the two");
  });

  test("names namespaces that tags and buckets take, and not the audit's place", () => {
    // A namespace named `audit` would have its tags beside the segments of the log.
    const named = (name: string): string => problem({ namespaces: { [name]: {} } });
    expect(named("team-a")).toBe("");
    for (const name of ["audit", "default", "Team", "a/b", "..", "", "a".repeat(64), "-a"]) {
      expect([name, named(name)]).not.toEqual([name, ""]);
    }
    expect(problem({ cors: { origins: ["*"] } })).toContain("web page");
    expect(problem({ cors: { origins: ["*"] }, auth: { tokens: [entry] } })).toBe("");
  });

  test("keeps principals apart that receipts and the audit know by their names", () => {
    // A token of this name would be the callers without one, and a second issuer would hide the first.
    const tokens = [{ ...entry, name: "anonymous" }];
    expect(() => parseAccess({ auth: { tokens } }, "127.0.0.1")).toThrow("anonymous");
    const issuer = {
      issuer: "https://login.example",
      audience: "bitstore",
      algorithms: ["RS256"],
      jwksUrl: "https://login.example/keys",
    };
    const jwt = [issuer, { ...issuer, audience: "other" }];
    expect(() => parseAccess({ auth: { jwt } }, "127.0.0.1")).toThrow("twice");
  });

  test("refuses a secret that could be guessed", () => {
    // Receipts rest on it alone.
    const config = parseAccess({ auth: { tokens: [entry] } }, "::1");
    const short = (): unknown => openAccess(config, { host: "::1", secrets: [Buffer.alloc(31)] });
    expect(short).toThrow("32 bytes");
  });
});
