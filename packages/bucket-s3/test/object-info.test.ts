import { createHash } from "node:crypto";
import type { Bucket } from "@bitstore/core";
import { afterEach, describe, expect, test } from "vitest";
import { s3Bucket, type S3BucketOptions } from "../src/index.ts";
import { all, expectCode } from "./expect-code.ts";
import { scriptedServer, type ScriptedServer } from "./scripted-server.ts";
import { uploadServer } from "./upload-server.ts";

// What HEAD says of an object, and what goes over the wire for the options that the emulators don't
// know: encryption, requester pays, storage classes.

const cleanup: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of cleanup.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

function open(server: ScriptedServer, options: Partial<S3BucketOptions> = {}): Bucket {
  const bucket = s3Bucket({
    bucket: "b",
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: [{ accessKeyId: "id", secretAccessKey: "secret" }],
    partBytes: 5 * 1024 * 1024,
    ...options,
  });
  cleanup.push(server, bucket);
  return bucket;
}

async function headOf(headers: Record<string, string>): Promise<ReturnType<Bucket["head"]>> {
  const server = await scriptedServer((_, answer) => {
    answer.writeHead(200, { "content-length": 5, ...headers }).end();
  });
  return open(server).head("key");
}

describe("the MD5", () => {
  const md5 = "5d41402abc4b2a76b9719d911017c592";
  const cases: Record<string, readonly [Record<string, string>, string | undefined]> = {
    "is the entity tag": [{ etag: `"${md5}"` }, md5],
    "is the entity tag without quotes": [{ etag: md5 }, md5],
    "is it with keys of S3": [{ etag: md5, "x-amz-server-side-encryption": "AES256" }, md5],
    "is not known with keys of KMS": [
      { etag: md5, "x-amz-server-side-encryption": "aws:kms" },
      undefined,
    ],
    "is not known with two layers of KMS": [
      { etag: md5, "x-amz-server-side-encryption": "aws:kms:dsse" },
      undefined,
    ],
    "is not known with a customer's key": [
      { etag: md5, "x-amz-server-side-encryption-customer-algorithm": "AES256" },
      undefined,
    ],
    "is not known of parts": [{ etag: `"${md5}-2"` }, undefined],
    "is not known of a weak tag": [{ etag: `W/"${md5}"` }, undefined],
    "is not known of another tag": [{ etag: '"CAESRA=="' }, undefined],
    "is not known without a tag": [{}, undefined],
  };

  for (const [title, [headers, expected]] of Object.entries(cases)) {
    test(title, async () => {
      expect((await headOf(headers))?.md5).toBe(expected);
    });
  }
});

describe("cold storage", () => {
  const done = 'ongoing-request="false", expiry-date="Fri, 01 Jan 2027 00:00:00 GMT"';
  const cases: readonly (readonly [Record<string, string>, boolean])[] = [
    [{}, false],
    [{ "x-amz-storage-class": "STANDARD_IA" }, false],
    [{ "x-amz-storage-class": "GLACIER_IR" }, false],
    [{ "x-amz-storage-class": "GLACIER" }, true],
    [{ "x-amz-storage-class": "DEEP_ARCHIVE" }, true],
    [{ "x-amz-storage-class": "GLACIER", "x-amz-restore": 'ongoing-request="true"' }, true],
    [{ "x-amz-storage-class": "GLACIER", "x-amz-restore": done }, false],
    [{ "x-amz-storage-class": "INTELLIGENT_TIERING" }, false],
    [
      {
        "x-amz-storage-class": "INTELLIGENT_TIERING",
        "x-amz-archive-status": "DEEP_ARCHIVE_ACCESS",
      },
      true,
    ],
  ];

  for (const [headers, archived] of cases) {
    test(`${Object.values(headers).join(" ") || "nothing"}: archived ${archived}`, async () => {
      expect((await headOf(headers))?.archived).toBe(archived);
    });
  }
});

describe("what goes over the wire", () => {
  const body = new Uint8Array(6 * 1024 * 1024);

  /** The headers of every request of all operations, by method and kind. */
  async function wire(options: Partial<S3BucketOptions>): Promise<Map<string, Headers>> {
    const server = await uploadServer({});
    const bucket = open(server, options);
    await bucket.put("key", body);
    await bucket.head("key");
    await (await bucket.read("key"))?.[Symbol.asyncDispose]();
    await bucket.delete("key");
    await bucket.put("small", body.subarray(0, 10));
    await expectCode(all(bucket.list("")), "UNAVAILABLE");
    const sent = server.requests.map(({ method, url, headers }) => {
      const kind = /[?&](uploads|partNumber|list-type)=/.exec(`${url}=`)?.[1] ?? "";
      return [`${method} ${kind}`.trim(), new Headers(headers as Record<string, string>)] as const;
    });
    return new Map(sent.toReversed());
  }

  const kinds = ["POST uploads", "PUT partNumber", "POST", "HEAD", "GET", "DELETE", "PUT"];

  test("nothing of it by default, and no checksum that a clone might not know", async () => {
    const sent = await wire({});
    expect([...sent.keys()].sort()).toEqual([...kinds, "GET list-type"].sort());
    for (const [kind, headers] of sent) {
      const names = [...headers.keys()].filter((name) => name.startsWith("x-amz-"));
      expect(names.sort(), kind).toEqual(
        expect.arrayContaining(["x-amz-content-sha256", "x-amz-date"]),
      );
      expect(
        names.filter((name) => /checksum|encryption|payer|storage|trailer/.test(name)),
      ).toEqual([]);
      expect(headers.get("transfer-encoding"), kind).toBeNull();
    }
  });

  test("bodies are signed, so that the service checks what arrives", async () => {
    const sent = await wire({});
    const digest = createHash("sha256").update(body.subarray(0, 10)).digest("hex");
    expect(sent.get("PUT")?.get("x-amz-content-sha256")).toBe(digest);
  });

  test("requester pays, with every request", async () => {
    const sent = await wire({ requesterPays: true });
    for (const [kind, headers] of sent) {
      expect(headers.get("x-amz-request-payer"), kind).toBe("requester");
    }
  });

  test("encryption with keys of KMS and a storage class, with what stores", async () => {
    const sent = await wire({
      serverSideEncryption: "aws:kms",
      sseKmsKeyId: "key-1",
      storageClass: "STANDARD_IA",
    });
    for (const kind of ["POST uploads", "PUT"]) {
      const headers = sent.get(kind);
      expect(headers?.get("x-amz-server-side-encryption"), kind).toBe("aws:kms");
      expect(headers?.get("x-amz-server-side-encryption-aws-kms-key-id"), kind).toBe("key-1");
      expect(headers?.get("x-amz-storage-class"), kind).toBe("STANDARD_IA");
    }
    expect(sent.get("GET")?.get("x-amz-server-side-encryption")).toBeNull();
  });

  test("a customer's key, with whatever touches the bytes", async () => {
    const sseCustomerKey = new Uint8Array(32).fill(9);
    const sent = await wire({ sseCustomerKey });
    const prefix = "x-amz-server-side-encryption-customer-";
    for (const kind of kinds.filter((each) => each !== "DELETE")) {
      const headers = sent.get(kind);
      expect(headers?.get(`${prefix}algorithm`), kind).toBe("AES256");
      expect(headers?.get(`${prefix}key`), kind).toBe(
        Buffer.from(sseCustomerKey).toString("base64"),
      );
      expect(headers?.get(`${prefix}key-md5`), kind).toBe(
        createHash("md5").update(sseCustomerKey).digest("base64"),
      );
    }
  });
});
