import { createHash } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { S3Service } from "../../../test/services/services.ts";
import { makeBucket, plainClient } from "./services-of-s3.ts";

// What the emulators do otherwise than S3, asked with the plain SDK: a driver that works on them
// proves less where they deviate, and a new release that mends them is noticed here.

const { s3, s3Clone } = inject("services");
const body = new TextEncoder().encode("hello");
const md5 = createHash("md5").update(body).digest("hex");
const stale = '"00000000000000000000000000000000"';

/** What one emulator does where both, or they and S3, differ. */
interface Traits {
  readonly deleteIgnoresIfMatch: boolean;
  readonly unknownKeyId: { readonly status: number; readonly name: string };
  readonly knowsEncodingType: boolean;
  /** Keys that are taken, and become another. */
  readonly aliases: readonly (readonly [string, string])[];
  readonly refusedKeys: readonly string[];
  readonly longestKeyIsChecked: boolean;
  readonly secondComplete: "answered" | "NoSuchUpload";
  readonly listsKeysUnderKeys: boolean;
}

const minio: Traits = {
  deleteIgnoresIfMatch: true,
  unknownKeyId: { status: 403, name: "InvalidAccessKeyId" },
  knowsEncodingType: true,
  aliases: [["/lead", "lead"]],
  refusedKeys: ["a//b", "a/./b", "a/../b", "./x", "..", "k".repeat(256)],
  longestKeyIsChecked: true,
  secondComplete: "NoSuchUpload",
  listsKeysUnderKeys: false,
};

const versitygw: Traits = {
  deleteIgnoresIfMatch: false,
  unknownKeyId: { status: 404, name: "XAdminUserNotFound" },
  knowsEncodingType: false,
  aliases: [
    ["/lead", "lead"],
    ["p//q", "p/q"],
    ["p/./r", "p/r"],
    ["p/../s", "s"],
  ],
  refusedKeys: ["../y", "..", ".", "x/..", "trailing/", "k".repeat(256)],
  longestKeyIsChecked: false,
  secondComplete: "answered",
  listsKeysUnderKeys: true,
};

describe.skipIf(s3 === undefined)("MinIO", () => {
  if (s3 !== undefined) traitsOf(s3, minio);
});

describe.skipIf(s3Clone === undefined)("versitygw", () => {
  if (s3Clone !== undefined) traitsOf(s3Clone, versitygw);
});

function traitsOf(service: S3Service, traits: Traits): void {
  let client: S3Client;
  let Bucket = "";

  beforeAll(async () => {
    client = plainClient(service);
    Bucket = await makeBucket(service);
  });
  afterAll(() => client.destroy());

  const put = (Key: string, more = {}): Promise<{ readonly ETag?: string | undefined }> =>
    client.send(new PutObjectCommand({ Bucket, Key, Body: body, ...more }));
  const failure = (asking: Promise<unknown>): Promise<unknown> =>
    asking.then(
      () => "no failure",
      (error: { name: string; $metadata?: { httpStatusCode?: number } }) => ({
        name: error.name,
        status: error.$metadata?.httpStatusCode,
      }),
    );
  const read = async (Key: string, more = {}): Promise<string | undefined> =>
    (await client.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body?.transformToString();

  test("conditions of a put hold, and the entity tag is the MD5", async () => {
    expect(await put("put")).toMatchObject({ ETag: `"${md5}"` });
    const failed = { name: "PreconditionFailed", status: 412 };
    expect(await failure(put("put", { IfNoneMatch: "*" }))).toEqual(failed);
    expect(await failure(put("put", { IfMatch: stale }))).toEqual(failed);
    expect(await failure(put("put", { IfMatch: `"${md5}"` }))).toBe("no failure");
    expect(await failure(put("fresh", { IfNoneMatch: "*" }))).toBe("no failure");
    const absent = { name: "NoSuchKey", status: 404 };
    expect(await failure(put("absent", { IfMatch: stale })), "not 412").toEqual(absent);
  });

  test("conditions of a read hold", async () => {
    await put("read");
    const failed = { name: "PreconditionFailed", status: 412 };
    expect(await failure(read("read", { IfMatch: stale }))).toEqual(failed);
    expect(await read("read", { IfMatch: `"${md5}"`, Range: "bytes=1-2" })).toBe("el");
  });

  test(`a delete ${traits.deleteIgnoresIfMatch ? "ignores" : "heeds"} If-Match`, async () => {
    await put("delete");
    const deleting = client.send(
      new DeleteObjectCommand({ Bucket, Key: "delete", IfMatch: stale }),
    );
    if (traits.deleteIgnoresIfMatch) {
      await deleting;
      expect(await failure(read("delete"))).toEqual({ name: "NoSuchKey", status: 404 });
    } else {
      expect(await failure(deleting)).toEqual({ name: "PreconditionFailed", status: 412 });
      expect(await read("delete")).toBe("hello");
    }
  });

  test("conditions of a completed upload hold; it can be completed once, or twice", async () => {
    const complete = async (Key: string, more = {}): Promise<unknown> => {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const part = { Bucket, Key, UploadId, PartNumber: 1, Body: body };
      const { ETag } = await client.send(new UploadPartCommand(part));
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      const input = { Bucket, Key, UploadId, MultipartUpload, ...more };
      const first = await failure(client.send(new CompleteMultipartUploadCommand(input)));
      if (first !== "no failure") return first;
      return failure(client.send(new CompleteMultipartUploadCommand(input)));
    };
    const again =
      traits.secondComplete === "answered" ? "no failure" : { name: "NoSuchUpload", status: 404 };
    expect(await complete("upload")).toEqual(again);
    const failed = { name: "PreconditionFailed", status: 412 };
    expect(await complete("upload", { IfNoneMatch: "*" })).toEqual(failed);
    expect(await complete("upload", { IfMatch: stale })).toEqual(failed);
    const tag = createHash("md5").update(Buffer.from(md5, "hex")).digest("hex");
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: "upload" }))).ETag).toBe(
      `"${tag}-1"`,
    );
  });

  test("an unknown key id is answered in its own way", async () => {
    const stranger = plainClient({ ...service, accessKeyId: "nobody" });
    const asking = stranger.send(new GetObjectCommand({ Bucket, Key: "read" }));
    expect(await failure(asking)).toEqual(traits.unknownKeyId);
    stranger.destroy();
  });

  test(`encoding-type=url is ${traits.knowsEncodingType ? "heeded" : "ignored"}`, async () => {
    await put("enc/a b+c%ä");
    const input = { Bucket, Prefix: "enc/", EncodingType: "url" } as const;
    const { EncodingType, Contents } = await client.send(new ListObjectsV2Command(input));
    expect(EncodingType === "url").toBe(traits.knowsEncodingType);
    const [escaped, plain] = ["enc/a+b%2Bc%25%C3%A4", "enc/a b+c%ä"];
    expect(Contents?.[0]?.Key).toBe(traits.knowsEncodingType ? escaped : plain);
  });

  test("lists start after a key, and roll up by delimiter", async () => {
    for (const name of ["a-", "a/1", "a/2", "b/1", "c"]) await put(`list/${name}`);
    const list = async (more: object): Promise<(string | undefined)[]> => {
      const input = { Bucket, Prefix: "list/", ...more };
      const { Contents = [], CommonPrefixes = [] } = await client.send(
        new ListObjectsV2Command(input),
      );
      return [...CommonPrefixes.map(({ Prefix }) => Prefix), ...Contents.map(({ Key }) => Key)];
    };
    expect(await list({ StartAfter: "list/a/1", MaxKeys: 2 })).toEqual(["list/a/2", "list/b/1"]);
    expect(await list({ Delimiter: "/" })).toEqual(["list/a/", "list/b/", "list/a-", "list/c"]);
  });

  for (const [key, becomes] of traits.aliases) {
    test(`the key ${key} becomes ${becomes}`, async () => {
      await put(key);
      expect(await read(becomes)).toBe("hello");
    });
  }

  for (const key of traits.refusedKeys) {
    test(`the key ${key.slice(0, 12)} of ${key.length} characters is refused`, async () => {
      expect(await failure(put(key))).toMatchObject({ status: 400 });
    });
  }

  test("the longest key", async () => {
    const key = (length: number): string =>
      `${"s".repeat(99)}/`.repeat(11).slice(0, length - 1) + "z";
    expect(await failure(put(key(1024)))).toBe("no failure");
    expect(await failure(put(key(1025)))).toEqual(
      traits.longestKeyIsChecked ? { name: "KeyTooLongError", status: 400 } : "no failure",
    );
  });

  test("a key under another key", async () => {
    await put("under/a");
    if (traits.listsKeysUnderKeys) {
      expect(await failure(put("under/a/b"))).toMatchObject({ status: expect.any(Number) });
      return;
    }
    // It is there for whoever knows its name, and in no list.
    await put("under/a/b");
    expect(await read("under/a/b")).toBe("hello");
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: "under/" }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(["under/a"]);
  });

  test("a range of an empty object is refused, also one that is all of it", async () => {
    await put("empty", { Body: new Uint8Array() });
    for (const Range of ["bytes=0-9", "bytes=0-"]) {
      const failed = { name: "InvalidRange", status: 416 };
      expect(await failure(read("empty", { Range }))).toEqual(failed);
    }
  });
}
