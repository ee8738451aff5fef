import { gzipSync } from "node:zlib";
import { gcsBucket } from "@bitstore/bucket-gcs";
import { seededBytes } from "@bitstore/conformance";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { uniqueName } from "../../../test/services/services.ts";
import { createBucket } from "./create-bucket.ts";
import { expectCode } from "./expect-code.ts";

// What fake-gcs-server does otherwise than the service, asked of the emulator itself by plain
// requests, so that an emulator that was repaired fails here and the list shrinks; and what the
// driver makes of it all the same.

const { gcs } = inject("services");

describe.skipIf(gcs === undefined)("fake-gcs-server", () => {
  const endpoint = gcs?.endpoint ?? "http://absent.invalid";
  const name = uniqueName("gcs-emulator");
  const bucket = gcsBucket({
    bucket: name,
    endpoint,
    partBytes: 256 * 1024,
    listPageSize: 2,
    environment: {},
  });
  const objects = `${endpoint}/storage/v1/b/${name}/o`;
  const uploads = `${endpoint}/upload/storage/v1/b/${name}/o`;
  const stale = "1";

  const status = async (path: string, init: RequestInit = {}): Promise<number> => {
    const answer = await fetch(path, { redirect: "manual", ...init });
    await answer.arrayBuffer();
    return answer.status;
  };

  async function startSession(key: string): Promise<string> {
    const begun = await fetch(`${uploads}?uploadType=resumable&name=${key}`, { method: "POST" });
    await begun.arrayBuffer();
    return begun.headers.get("location") ?? "";
  }

  const sendPart = (session: string, range: string, body: Uint8Array): Promise<number> =>
    status(session, {
      method: "PUT",
      headers: { "content-range": `bytes ${range}` },
      body: Buffer.from(body),
    });

  beforeAll(() => createBucket(endpoint, name));

  test("GET ignores ifGenerationMatch; the driver holds the pin", async () => {
    await bucket.put("pinned", seededBytes(100));
    expect(await status(`${objects}/pinned?alt=media&ifGenerationMatch=${stale}`)).toBe(200);
    await expectCode(bucket.read("pinned", { ifVersion: stale }), "PRECONDITION_FAILED");
    const past = { ifVersion: stale, range: { start: 200, end: undefined } };
    await expectCode(bucket.read("pinned", past), "PRECONDITION_FAILED");
  });

  test("DELETE ignores ifGenerationMatch", async () => {
    await bucket.put("condemned", seededBytes(100));
    const path = `${objects}/condemned?ifGenerationMatch=${stale}`;
    expect(await status(path, { method: "DELETE" })).toBe(200);
    expect(await bucket.head("condemned")).toBeUndefined();
  });

  test("uploads honour ifGenerationMatch", async () => {
    await bucket.put("kept", seededBytes(100));
    const post = (condition: string): Promise<number> =>
      status(`${uploads}?uploadType=media&name=kept&ifGenerationMatch=${condition}`, {
        method: "POST",
        body: "x",
      });
    expect(await post("0")).toBe(412);
    expect(await post(stale)).toBe(412);
  });

  test("a resumable upload is not refused before its end", async () => {
    await bucket.put("late", seededBytes(100));
    const begun = await status(`${uploads}?uploadType=resumable&name=late&ifGenerationMatch=0`, {
      method: "POST",
    });
    expect(begun).toBe(200);
    const putting = bucket.put("late", seededBytes(300 * 1024), { ifAbsent: true });
    expect(await putting).toBe("existed");
  });

  test("an XML-style PUT is refused", async () => {
    const put = await status(`${endpoint}/${name}/xml`, { method: "PUT", body: "bytes" });
    expect(put).toBe(400);
  });

  test("maxResults does not bound prefixes; the driver's limit does", async () => {
    for (const folder of ["a", "b", "c", "d", "e"])
      await bucket.put(`p/${folder}/k`, seededBytes(1));
    const answer = await fetch(`${objects}?prefix=p/&delimiter=/&maxResults=2`);
    const page: unknown = await answer.json();
    expect(page).toMatchObject({ prefixes: ["p/a/", "p/b/", "p/c/", "p/d/", "p/e/"] });
    const found: string[] = [];
    for await (const prefix of bucket.listPrefixes("p/", { limit: 3 })) found.push(prefix);
    expect(found).toEqual(["p/a/", "p/b/", "p/c/"]);
  });

  test("a prefix comes again on a later page; the driver gives it once", async () => {
    for (const key of ["q/1", "q/2", "q/3", "q/z/k"]) await bucket.put(key, seededBytes(1));
    const pages: unknown[] = [];
    for (const token of ["", "&pageToken=q/3"]) {
      const answer = await fetch(`${objects}?prefix=q/&delimiter=/&maxResults=2${token}`);
      pages.push(await answer.json());
    }
    expect(pages).toMatchObject([{ prefixes: ["q/z/"] }, { prefixes: ["q/z/"] }]);
    const found: string[] = [];
    for await (const prefix of bucket.listPrefixes("q/")) found.push(prefix);
    expect(found).toEqual(["q/z/"]);
  });

  test("fields is ignored", async () => {
    await bucket.put("fields", seededBytes(1));
    const answer = await fetch(`${objects}/fields?fields=name`);
    expect(await answer.json()).toHaveProperty("size");
  });

  test("asking how far an upload got ends it, with what is there", async () => {
    const session = await startSession("asked");
    expect(await sendPart(session, "0-262143/*", seededBytes(262_144))).toBe(308);
    expect(await sendPart(session, "*/*", new Uint8Array())).toBe(200);
    expect(await bucket.head("asked")).toMatchObject({ size: 262_144 });
  });

  test("a part that is sent again is appended again", async () => {
    const session = await startSession("doubled");
    for (let turn = 0; turn < 2; turn += 1) {
      expect(await sendPart(session, "0-262143/*", seededBytes(262_144))).toBe(308);
    }
    expect(await sendPart(session, "262144-262144/262145", seededBytes(1))).toBe(200);
    expect(await bucket.head("doubled")).toMatchObject({ size: 2 * 262_144 + 1 });
  });

  test("deleting a session answers 499 and deletes nothing", async () => {
    const session = await startSession("undead");
    expect(await status(session, { method: "DELETE" })).toBe(499);
    expect(await sendPart(session, "0-0/1", seededBytes(1))).toBe(200);
  });

  test("what is stored compressed is decompressed unless the header is sent", async () => {
    // As the service does it: this one is no deviation, and shows why the driver sends the header.
    const packed = gzipSync(Buffer.alloc(5000, "text "));
    const path = `${uploads}?uploadType=media&name=packed&contentEncoding=gzip`;
    await status(path, { method: "POST", body: packed });
    const plain = await fetch(`${objects}/packed?alt=media`, {
      headers: { "accept-encoding": "identity" },
    });
    expect((await plain.arrayBuffer()).byteLength).toBe(5000);
    const content = await bucket.read("packed");
    expect(content?.size).toBe(packed.byteLength);
    expect(Buffer.from((await content?.bytes()) ?? [])).toEqual(packed);
    const range = { start: 3, end: 11 };
    const part = await (await bucket.read("packed", { range }))?.bytes();
    expect(Buffer.from(part ?? [])).toEqual(packed.subarray(3, 11));
    expect((await bucket.head("packed"))?.size).toBe(packed.byteLength);
  });

  test("a composite object has an MD5 here; at the service it has none", async () => {
    await bucket.put("part-1", seededBytes(10));
    const composed = await status(`${objects}/composed/compose`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sourceObjects: [{ name: "part-1" }], destination: {} }),
    });
    expect(composed).toBe(200);
    expect((await bucket.head("composed"))?.md5).toBeDefined();
  });

  test("an object of class ARCHIVE is no archived one", async () => {
    await using archive = gcsBucket({
      bucket: name,
      endpoint,
      storageClass: "ARCHIVE",
      environment: {},
    });
    await archive.put("cold", seededBytes(50));
    const answer = await fetch(`${objects}/cold`);
    expect(await answer.json()).toMatchObject({ storageClass: "ARCHIVE" });
    expect(await archive.head("cold")).toMatchObject({ archived: false, size: 50 });
    expect(await (await archive.read("cold"))?.bytes()).toEqual(seededBytes(50));
  });
});

describe("SDK trap", () => {
  test.skipIf(gcs === undefined)("a bare STORAGE_EMULATOR_HOST is read and written", async () => {
    // The SDK alone writes there, and answers 404 to every read.
    const name = uniqueName("gcs-variable");
    await createBucket(gcs?.endpoint ?? "", name);
    for (const host of [gcs?.endpoint, gcs?.endpoint.replace("http://", "")]) {
      const environment = { STORAGE_EMULATOR_HOST: host };
      await using bucket = gcsBucket({ bucket: name, environment });
      await bucket.put("key", seededBytes(10));
      expect(await (await bucket.read("key"))?.bytes()).toEqual(seededBytes(10));
      expect(await bucket.delete("key")).toBe(true);
    }
  });
});
