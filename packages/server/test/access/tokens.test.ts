import { describe, expect, test } from "vitest";
import { isStoreError } from "@bitstore/core";
import { createAuthenticate, openPrincipal } from "../../src/access/authenticate.ts";
import { hashToken, isToken, mintToken } from "../../src/access/bearer-token.ts";
import { type TokenEntry, tokenTable } from "../../src/access/token-table.ts";

const date = (): Date => new Date("2026-11-21T12:00:00Z");

function entry(hash: string, more: Partial<TokenEntry> = {}): TokenEntry {
  return {
    name: "ci",
    namespace: "default",
    scopes: new Set(["read"]),
    tagPrefixes: undefined,
    hash,
    expiresAt: undefined,
    ...more,
  };
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isStoreError(error)) return error.code;
    throw error;
  }
  return "none";
}

describe("bearer tokens", () => {
  test("have 256 random bits and a checksum that one wrong character breaks", () => {
    // Minted twice they differ; each character in turn is replaced by another one.
    const { token, hash } = mintToken();
    expect(mintToken().token).not.toBe(token);
    expect(token).toMatch(/^bst_[\w-]{43}[0-9a-f]{8}$/);
    expect(isToken(token)).toBe(true);
    expect(hash).toBe(hashToken(token));
    expect(hash).not.toContain(token.slice(4, 20));
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === "0" ? "1" : "0";
      expect(isToken(token.slice(0, at) + other + token.slice(at + 1))).toBe(false);
    }
  });

  test("are found by their hash alone, and refused once they have expired", () => {
    // Two entries, one of which ended a second ago; a third token is in no config.
    const known = mintToken();
    const old = mintToken();
    const expiresAt = new Date("2026-11-21T11:59:59Z");
    const find = tokenTable([entry(known.hash), entry(old.hash, { name: "old", expiresAt })], date);
    expect(find(known.token)).toMatchObject({ name: "ci", namespace: "default" });
    expect(() => find(old.token)).toThrow("expired");
    expect(() => find(mintToken().token)).toThrow("not known");
    // The hash is in configs that many may read, so it must open nothing.
    expect(() => find(known.hash)).toThrow("not known");
  });

  test("say nothing of themselves in an error", () => {
    // The message of a refusal goes into answers and logs.
    const { token } = mintToken();
    const find = tokenTable([], date);
    let message = "";
    try {
      find(token);
    } catch (error) {
      message = String(error);
    }
    expect(message).not.toContain(token.slice(4, 12));
    expect(message).toContain("not known");
  });
});

describe("the Authorization header", () => {
  const minted = mintToken();
  const findToken = tokenTable([entry(minted.hash)], date);

  test("is read as Bearer in any case, and as nothing else", async () => {
    // Each other form is refused as UNAUTHENTICATED, not as a fault of the server.
    const authenticate = createAuthenticate({ findToken, jwt: undefined, anonymous: undefined });
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const authorization = `${scheme} ${minted.token}`;
      expect(await authenticate({ authorization })).toMatchObject({ name: "ci" });
    }
    const wrong = [
      undefined,
      "",
      minted.token,
      `Basic ${minted.token}`,
      `Bearer ${minted.token} x`,
      `Bearer ${minted.token},Bearer ${minted.token}`,
      "Bearer",
      `Bearer ${"a".repeat(100_000)}`,
      "Bearer bst_\u0000",
    ];
    for (const authorization of wrong) {
      expect(await codeOf(() => authenticate({ authorization }))).toBe("UNAUTHENTICATED");
    }
  });

  test("that does not hold is refused where callers without one are let in", async () => {
    // Who sends a token means to be somebody: to go on as anybody would hide the mistake.
    const anonymous = openPrincipal();
    const authenticate = createAuthenticate({ findToken, jwt: undefined, anonymous });
    expect(await authenticate({ authorization: undefined })).toBe(anonymous);
    const authorization = `Bearer ${mintToken().token}`;
    expect(await codeOf(() => authenticate({ authorization }))).toBe("UNAUTHENTICATED");
  });
});
