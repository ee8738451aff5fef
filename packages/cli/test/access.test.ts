import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fsBucket } from "@bitstore/bucket-fs";
import { auditKey, openAuditLog, parseAccess } from "@bitstore/server";
import { openPlace, type Place } from "./support/run-bitstore.ts";

/** Shows what a server's operator does on the command line: tokens, and the audit log. */
describe("access", () => {
  let place: Place;
  beforeEach(async () => {
    place = await openPlace();
  });
  afterEach(async () => place[Symbol.asyncDispose]());

  it("makes a token whose lines of the config let it in", { timeout: 240_000 }, async () => {
    // What is printed is read back as the server reads it; the token itself is in none of it.
    const creation = ["token", "create", "--name", "ci", "--scope", "read,write", "--scope", "tag"];
    const more = [
      "--namespace",
      "team",
      "--tag-prefix",
      "a/",
      "--tag-prefix",
      "b",
      "--expires",
      "2999-01-31",
    ];
    const { status, stdout, stderr } = await place.run([...creation, ...more]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [token = "", comment, line = ""] = stdout.split("\n");
    expect(token).toMatch(/^bst_/);
    expect(comment).toMatch(/^# server\.auth\.tokens/);
    const entry = JSON.parse(line.slice(2)) as { hash: string };
    expect(line).not.toContain(token.slice(4, 20));
    const { tokens } = parseAccess({ auth: { tokens: [entry] }, namespaces: { team: {} } }, "::1");
    expect(tokens).toEqual([
      {
        name: "ci",
        hash: entry.hash,
        namespace: "team",
        scopes: new Set(["read", "write", "tag"]),
        tagPrefixes: ["a/", "b"],
        expiresAt: new Date("2999-01-31T00:00:00Z"),
      },
    ]);
    const json = await place.run(["token", "create", "--json", "--name", "ci", "--scope", "read"]);
    expect(json.records).toMatchObject([{ entry: { name: "ci", scopes: ["read"] } }]);
  });

  it("refuses a token that no server would take", { timeout: 240_000 }, async () => {
    // Nothing is printed that could be pasted into a config and stop its server.
    for (const wrong of [
      ["--name", "a b", "--scope", "read"],
      ["--name", "ci", "--scope", "read", "--tag-prefix", "a//b"],
    ]) {
      const { status, stdout } = await place.run(["token", "create", ...wrong]);
      expect([wrong, status, stdout]).toEqual([wrong, 2, ""]);
    }
  });

  it("reads the audit log, and exits with 4 once it was tampered with", {
    timeout: 240_000,
  }, async () => {
    // The log is signed by the secret of the config; then one byte of it is changed.
    const secret = "0123456789abcdef0123456789abcdef";
    const server = `server: { auth: { secret: "file:${place.path("secret")}", anonymous: { scopes: [read] } } }`;
    await writeFile(place.path("secret"), secret);
    await writeFile(
      place.path("bitstore.yaml"),
      `tiers: [{ url: ./blobs, origin: true }]\nmetadata: ./tags\n${server}\n`,
    );
    await using bucket = await fsBucket({ root: place.path("tags"), create: true });
    const log = openAuditLog(bucket, {
      key: auditKey(Buffer.from(secret)),
      limits: { windowMs: 1 },
    });
    const event = {
      principal: "ci",
      namespace: "default",
      operation: "tag.delete",
      tag: "a",
    } as const;
    await log.append({ ...event, phase: "intent", id: "1" });
    await log.append({ ...event, phase: "outcome", id: "1", result: "NOT_FOUND" });
    await log[Symbol.asyncDispose]();
    const printed = await place.run(["audit", "log", "a", "--principal", "ci"]);
    expect(printed.stdout).toMatch(
      /^\S+Z {2}ci {2}default {2}intent {2}tag\.delete {2}a\n\S+Z {2}ci {2}default {2}outcome {2}tag\.delete {2}a {2}NOT_FOUND\n$/,
    );
    const right = await place.run(["audit", "verify", "--json"]);
    expect(right).toMatchObject({ status: 0, records: [{ end: "closed", records: 2 }] });
    const [{ head }] = right.records as [{ head: string }];
    expect((await place.run(["audit", "verify", "--anchor", head])).status).toBe(0);
    let last = "";
    for await (const { key } of bucket.list("v1/audit/")) last = last === "" ? key : last;
    const text = new TextDecoder().decode(await (await bucket.read(last))?.bytes());
    await bucket.put(last, new TextEncoder().encode(text.replace('"time":"20', '"time":"19')));
    const wrong = await place.run(["audit", "verify"]);
    expect(wrong.status).toBe(4);
    expect(wrong.stdout).toContain("its signature does not hold");
  });
});
