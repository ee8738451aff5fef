import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { isStoreError } from "@bitstore/core";
import { fetchJson } from "../../src/access/fetch-json.ts";
import { jwtAuthenticator, type JwtOptions } from "../../src/access/jwt.ts";
import { publicKeysOf, remoteKeys } from "../../src/access/key-set.ts";
import { addressFence } from "../../src/access/public-address.ts";
import type { Principal } from "../../src/access/principal.ts";
import { manualClock } from "./manual-clock.ts";

const issuer = "https://issuer.example";
const nowSeconds = 1_800_000_000;
type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

let first: Pair;
let second: Pair;
const servers: Server[] = [];

beforeAll(async () => {
  first = await generateKeyPair("RS256", { extractable: true });
  second = await generateKeyPair("RS256", { extractable: true });
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

/** An issuer that publishes keys, as a real server; it counts what it is asked. */
async function publish(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly url: URL; readonly server: Server; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    answer(request, response);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}/keys`), server, asked: () => asked };
}

async function jwkOf(pair: Pair, kid: string): Promise<JWK> {
  return { ...(await exportJWK(pair.publicKey)), kid, alg: "RS256", use: "sig" };
}

function sign(
  pair: Pair,
  kid: string,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const payload = { sub: "robot", scope: "bitstore:read other:write", ...claims };
  const token = new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid, ...header });
  if (!("iss" in claims)) token.setIssuer(issuer);
  if (!("aud" in claims)) token.setAudience("bitstore");
  if (!("exp" in claims)) token.setExpirationTime(nowSeconds + 300);
  return token.sign(pair.privateKey);
}

function authenticator(
  keys: JwtOptions["keys"],
  more: Partial<JwtOptions> = {},
): (token: string) => Promise<Principal> {
  return jwtAuthenticator({
    keys,
    issuer,
    audience: "bitstore",
    algorithms: ["RS256"],
    clockSkewMs: 60_000,
    claims: {
      scope: "scope",
      scopePrefix: "bitstore:",
      name: "sub",
      namespace: undefined,
      tagPrefixes: undefined,
    },
    namespace: "default",
    scopes: new Set(["read", "write"]),
    date: () => new Date(nowSeconds * 1000),
    ...more,
  });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isStoreError(error)) return error.code;
    throw error;
  }
  return "none";
}

async function fixed(): Promise<JwtOptions["keys"]> {
  const jwk = await jwkOf(first, "one");
  const { url } = await publish((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  return remoteKeys({ url, fetch: fetchJson({ allowPrivate: true }) });
}

describe("JWTs", () => {
  test("give a principal of the claims that are configured", async () => {
    // Scopes of others, and those that the issuer may not give, are left out.
    const keys = await fixed();
    const plain = await authenticator(keys)(await sign(first, "one"));
    expect(plain).toEqual({
      name: `${issuer}#robot`,
      namespace: "default",
      scopes: new Set(["read"]),
      tagPrefixes: undefined,
      expiresAtMs: (nowSeconds + 300 + 60) * 1000,
    });
    const claims = {
      scope: "permissions",
      scopePrefix: "",
      name: "email",
      namespace: "tenant",
      tagPrefixes: "tags",
    };
    const token = await sign(first, "one", {
      permissions: ["read", "write", "admin"],
      email: "a@b.example",
      tenant: "team",
      tags: ["team", "shared/"],
    });
    expect(await authenticator(keys, { claims })(token)).toEqual({
      name: `${issuer}#a@b.example`,
      namespace: "team",
      scopes: new Set(["read", "write"]),
      tagPrefixes: ["team", "shared/"],
      expiresAtMs: (nowSeconds + 300 + 60) * 1000,
    });
    // A claim of tag prefixes that was left out must not open all tags.
    const bare = sign(first, "one", { email: "a@b.example" });
    expect(await codeOf(authenticator(keys, { claims })(await bare))).toBe("UNAUTHENTICATED");
  });

  test("that are wrong in one thing are refused, each", async () => {
    // Signature, issuer, audience, times, subject: one of them at a time is not what it should be.
    const check = authenticator(await fixed());
    const wrong = {
      otherKey: sign(second, "one"),
      otherIssuer: sign(first, "one", { iss: "https://evil.example" }),
      otherAudience: sign(first, "one", { aud: "elsewhere" }),
      expired: sign(first, "one", { exp: nowSeconds - 61 }),
      notYet: sign(first, "one", { nbf: nowSeconds + 61 }),
      endless: sign(first, "one", { exp: undefined }),
      nobody: sign(first, "one", { sub: "" }),
      longName: sign(first, "one", { sub: "x".repeat(300) }),
      controls: sign(first, "one", { sub: "a\u001b[31mb" }),
      turned: sign(first, "one", { sub: "a\u202eb" }),
      nothing: Promise.resolve("a.b.c"),
      long: Promise.resolve("a".repeat(10_000)),
    };
    for (const [what, token] of Object.entries(wrong)) {
      expect([what, await codeOf(check(await token))]).toEqual([what, "UNAUTHENTICATED"]);
    }
    // Within the skew of the two clocks they hold.
    expect(await codeOf(check(await sign(first, "one", { exp: nowSeconds - 59 })))).toBe("none");
    expect(await codeOf(check(await sign(first, "one", { nbf: nowSeconds + 59 })))).toBe("none");
  });

  test("signed by nobody, or with the public key as a secret, are refused", async () => {
    // The two classic forgeries: `alg: none`, and HS256 keyed by what everybody can read.
    const check = authenticator(await fixed());
    const encode = (part: object): string =>
      Buffer.from(JSON.stringify(part)).toString("base64url");
    const payload = encode({
      iss: issuer,
      aud: "bitstore",
      sub: "robot",
      scope: "bitstore:read",
      exp: nowSeconds + 300,
    });
    expect(await codeOf(check(`${encode({ alg: "none" })}.${payload}.`))).toBe("UNAUTHENTICATED");
    const said = `${encode({ alg: "HS256", kid: "one" })}.${payload}`;
    const spki = await exportSPKI(first.publicKey);
    const mac = createHmac("sha256", spki).update(said).digest("base64url");
    expect(await codeOf(check(`${said}.${mac}`))).toBe("UNAUTHENTICATED");
  });

  test("of a published symmetric key are refused", async () => {
    // A set with such a key is a mistake of the issuer's, which must not let its readers sign.
    const secret = Buffer.alloc(32, 1);
    const jwk = { kty: "oct", k: secret.toString("base64url"), kid: "one" };
    const { url } = await publish((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
    const keys = remoteKeys({ url, fetch: fetchJson({ allowPrivate: true }) });
    const claims = { iss: issuer, aud: "bitstore", sub: "robot", exp: nowSeconds + 300 };
    const forged = new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "one" });
    expect(await codeOf(authenticator(keys)(await forged.sign(secret)))).toBe("UNAUTHENTICATED");
    const rsa = await jwkOf(first, "two");
    expect(publicKeysOf({ keys: [jwk, rsa, null] }, url).keys).toEqual([rsa]);
  });
});

describe("the keys of an issuer", () => {
  test("are kept, fetched again for a new one, and not more often than they may be", async () => {
    // The issuer changes its key; then many tokens come that name keys which do not exist.
    const clock = manualClock();
    let jwks = { keys: [await jwkOf(first, "one")] };
    const issued = await publish((_, response) => response.end(JSON.stringify(jwks)));
    const fetch = fetchJson({ allowPrivate: true });
    const check = authenticator(remoteKeys({ url: issued.url, fetch, clock }));
    const old = await sign(first, "one");
    await Promise.all(Array.from({ length: 20 }, () => check(old)));
    expect(issued.asked()).toBe(1);
    jwks = { keys: [await jwkOf(second, "two")] };
    clock.advance(31_000);
    const fresh = await sign(second, "two");
    await Promise.all(Array.from({ length: 20 }, () => check(fresh)));
    expect(issued.asked()).toBe(2);
    for (let each = 0; each < 50; each += 1) {
      const token = await sign(second, `invented-${each}`);
      expect(await codeOf(check(token))).toBe("UNAUTHENTICATED");
    }
    expect(issued.asked()).toBe(2);
    // A key that was withdrawn is refused as soon as the set is fetched again.
    expect(await codeOf(check(old))).toBe("UNAUTHENTICATED");
  });

  test("that can't be fetched are an outage, and those that are kept go on for an hour", async () => {
    // The endpoint breaks; nobody is told that a token is wrong which may well be right.
    const clock = manualClock();
    const jwks = JSON.stringify({ keys: [await jwkOf(first, "one")] });
    let isDown = false;
    const { url } = await publish((_, response) => {
      if (isDown) response.writeHead(500).end();
      else response.end(jwks);
    });
    const fetch = fetchJson({ allowPrivate: true });
    const check = authenticator(remoteKeys({ url, fetch, clock }));
    const token = await sign(first, "one");
    expect(await codeOf(check(token))).toBe("none");
    isDown = true;
    clock.advance(11 * 60_000);
    expect(await codeOf(check(token))).toBe("none");
    expect(await codeOf(check(await sign(second, "two")))).toBe("UNAVAILABLE");
    clock.advance(50 * 60_000);
    expect(await codeOf(check(token))).toBe("UNAVAILABLE");
    const fresh = remoteKeys({ url, fetch, clock });
    expect(await codeOf(authenticator(fresh)(token))).toBe("UNAVAILABLE");
    isDown = false;
    clock.advance(31_000);
    expect(await codeOf(check(token))).toBe("none");
  });

  test("are fetched from nowhere but where the config says", async () => {
    // The issuer redirects: within its origin it is followed, elsewhere never, and not without end.
    const jwks = JSON.stringify({ keys: [await jwkOf(first, "one")] });
    const other = await publish((_, response) => response.end(jwks));
    const { url } = await publish((request, response) => {
      const to: Record<string, string> = {
        "/near": "/keys",
        "/far": other.url.href,
        "/round": "/round",
      };
      const location = to[request.url ?? ""];
      if (location !== undefined) response.writeHead(302, { location }).end();
      else if (request.url === "/long") response.end(Buffer.alloc(300_000, " "));
      else response.end(jwks);
    });
    const signal = AbortSignal.timeout(10_000);
    const at = (path: string): Promise<unknown> =>
      fetchJson({ allowPrivate: true })(new URL(path, url.href), signal);
    expect(await codeOf(at("/near"))).toBe("none");
    for (const path of ["/far", "/round", "/long"]) {
      expect([path, await codeOf(at(path))]).toEqual([path, "UNAVAILABLE"]);
    }
    expect(other.asked()).toBe(0);
    // Neither an address nor a name may lead into the network of the server, unless it is allowed.
    const fenced = fetchJson({ allowPrivate: false });
    const { port } = url;
    for (const host of [
      "127.0.0.1",
      "localhost",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "169.254.169.254",
    ]) {
      const work = fenced(new URL(`https://${host}:${port}/keys`), signal);
      expect([host, await codeOf(work)]).toEqual([host, "UNAVAILABLE"]);
    }
  });

  test("are not looked for at private addresses, however they are written", () => {
    // The ranges of the registries, and IPv4 addresses within IPv6 ones.
    const fence = addressFence(false);
    const closed =
      "127.0.0.1 10.1.2.3 172.31.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 " +
      "255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00::1 ff02::1 ::ffff:10.0.0.1 " +
      "64:ff9b::a00:1 2002:a00:1:: [::1]";
    for (const address of closed.split(" ")) {
      expect([address, fence.allows(address)]).toEqual([address, false]);
    }
    for (const address of ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "[2606:4700::1111]"]) {
      expect([address, fence.allows(address)]).toEqual([address, true]);
    }
    expect(addressFence(true).allows("127.0.0.1")).toBe(true);
  });
});
