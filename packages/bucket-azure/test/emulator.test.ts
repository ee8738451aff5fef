import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  type ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  RestError,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { type Bucket, isStoreError } from "@bitstore/core";
import { beforeAll, describe, expect, it } from "vitest";
import { type AzureBucketOptions, azureBucket } from "../src/index.ts";
import { azure, newContainer } from "./azure-container.ts";
import { failure } from "./expectations.ts";

// What only a real implementation of the service can show: first how the driver and the emulator
// work together, then where the emulator differs from the service, asserted by the SDK alone. When
// one of the latter fails, the emulator was mended, and the driver may be held to more.

const partBytes = 64 * 1024;
const five = Buffer.from("hello");

describe.skipIf(azure === undefined)("with the emulator", () => {
  let container: ContainerClient;
  let bucket: Bucket;

  beforeAll(async () => {
    container = await newContainer();
    bucket = azureBucket({
      container: container.containerName,
      connectionString: azure?.connectionString,
      partBytes,
    });
  });

  it("the MD5 of an object that this driver put in one request is the service's", async () => {
    await bucket.put("whole", five);
    const info = await bucket.head("whole");
    expect(info?.md5).toBe(createHash("md5").update(five).digest("hex"));
  });

  it("no other MD5 is vouched for", async () => {
    // A writer may claim any MD5 of a block list, and the service keeps it unchecked.
    const blob = container.getBlockBlobClient("claimed");
    const id = Buffer.from("block").toString("base64");
    await blob.stageBlock(id, five, five.byteLength);
    const claim = createHash("md5").update("other").digest();
    await blob.commitBlockList([id], { blobHTTPHeaders: { blobContentMD5: claim } });
    expect(Buffer.from((await blob.getProperties()).contentMD5 ?? []).equals(claim)).toBe(true);
    expect((await bucket.head("claimed"))?.md5).toBeUndefined();
    await bucket.put("blocks", Buffer.alloc(2 * partBytes));
    expect((await bucket.head("blocks"))?.md5).toBeUndefined();
    await container.getBlockBlobClient("foreign").upload(five, five.byteLength);
    expect((await bucket.head("foreign"))?.md5).toBeUndefined();
  });

  it("bytes come as they are stored, whatever encoding the object claims", async () => {
    const zipped = gzipSync("hello");
    const blobHTTPHeaders = { blobContentEncoding: "gzip" };
    await container
      .getBlockBlobClient("zipped")
      .upload(zipped, zipped.byteLength, { blobHTTPHeaders });
    const read = await (await bucket.read("zipped"))?.bytes();
    expect(Buffer.from(read ?? []).equals(zipped)).toBe(true);
  });

  it("archived objects are seen, and reading them is ARCHIVED", async () => {
    const cold = azureBucket({
      container: container.containerName,
      connectionString: azure?.connectionString,
      accessTier: "Archive",
    });
    await cold.put("cold/blob", five, { ifAbsent: true });
    expect(await bucket.head("cold/blob")).toMatchObject({ archived: true, size: 5 });
    for await (const info of bucket.list("cold/")) expect(info.archived).toBe(true);
    await failure(bucket.read("cold/blob"), "ARCHIVED");
    await failure(bucket.put("cold/blob", five), "ARCHIVED");
    expect(await bucket.put("cold/blob", five, { ifAbsent: true })).toBe("existed");
    expect(await bucket.delete("cold/blob")).toBe(true);
  });

  it("an object is deleted with its snapshots", async () => {
    const blob = container.getBlockBlobClient("snapped");
    await blob.upload(five, five.byteLength);
    await blob.createSnapshot();
    expect(await bucket.delete("snapped")).toBe(true);
    expect(await bucket.head("snapped")).toBeUndefined();
  });

  it("a leased object is not written, and says so", async () => {
    const blob = container.getBlockBlobClient("leased");
    await blob.upload(five, five.byteLength);
    const lease = blob.getBlobLeaseClient();
    await lease.acquireLease(-1);
    const error = await failure(bucket.put("leased", five), "PRECONDITION_FAILED");
    expect(error.message).toContain("leased");
    await failure(bucket.delete("leased"), "PRECONDITION_FAILED");
    expect(await bucket.put("leased", five, { ifAbsent: true })).toBe("existed");
    expect(await (await bucket.read("leased"))?.bytes()).toEqual(five);
    await lease.releaseLease();
  });

  it("blocks of a put that failed are never seen, and don't disturb the next", async () => {
    const blob = container.getBlockBlobClient("aborted");
    const isStaged = async (): Promise<boolean> =>
      (await answered(blob.getBlockList("uncommitted"))) === "200";
    const body = async function* () {
      yield Buffer.alloc(3 * partBytes, 1);
      while (!(await isStaged())) await new Promise((resolve) => setImmediate(resolve));
      throw new Error("the body's own");
    };
    await expect(bucket.put("aborted", body)).rejects.toThrow("the body's own");
    expect(await isStaged()).toBe(true);
    expect(await bucket.head("aborted")).toBeUndefined();
    const whole = Buffer.alloc(2 * partBytes + 1, 2);
    expect(await bucket.put("aborted", whole, { ifAbsent: true })).toBe("created");
    const read = await (await bucket.read("aborted"))?.bytes();
    expect(Buffer.from(read ?? []).equals(whole)).toBe(true);
  });

  it("of two uploads in blocks at once one wins, whole, and the other says so", async () => {
    const bodies = [1, 2].map((fill) => Buffer.alloc(5 * partBytes, fill));
    for (let turn = 0; turn < 5; turn += 1) {
      const key = `raced-${turn}`;
      const outcomes = await Promise.all(
        bodies.map((body) => bucket.put(key, body, { ifAbsent: true })),
      );
      expect(outcomes.toSorted()).toEqual(["created", "existed"]);
      const read = await (await bucket.read(key))?.bytes();
      const winner = bodies[outcomes.indexOf("created")];
      expect(Buffer.from(read ?? []).equals(winner ?? five)).toBe(true);
    }
  });

  it("uploads in blocks without conditions never mix", async () => {
    // The blocks of the slower one are swept away by the commit of the faster one, which is a
    // failure in passing; what is there in the end is one body or the other.
    const bodies = [1, 2, 3].map((fill) => Buffer.alloc(4 * partBytes, fill));
    const settled = await Promise.allSettled(bodies.map((body) => bucket.put("mixed", body)));
    for (const one of settled) {
      if (one.status === "fulfilled") continue;
      expect(isStoreError(one.reason, "UNAVAILABLE"), String(one.reason)).toBe(true);
    }
    const read = Buffer.from((await (await bucket.read("mixed"))?.bytes()) ?? []);
    expect(bodies.some((body) => body.equals(read))).toBe(true);
  });

  it("blocks of another program, of names of another length, are told apart", async () => {
    const id = Buffer.from("short").toString("base64");
    await container.getBlockBlobClient("theirs").stageBlock(id, five, five.byteLength);
    const error = await failure(bucket.put("theirs", Buffer.alloc(2 * partBytes)), "UNAVAILABLE");
    expect(error.message).toContain("another program's");
    expect(await bucket.put("theirs", five)).toBe("replaced");
  });

  it("a version pins reads and replaces, quoted nowhere", async () => {
    await bucket.put("pinned", five);
    const version = (await bucket.head("pinned"))?.version;
    expect(version).toMatch(/^0x[0-9A-F]+$/);
    const content = await bucket.read("pinned", {
      ifVersion: version,
      range: { start: 1, end: 3 },
    });
    expect(content?.version).toBe(version);
    expect(Buffer.from((await content?.bytes()) ?? []).toString()).toBe("el");
    await bucket.put("pinned", five, { ifVersion: version });
    await failure(bucket.read("pinned", { ifVersion: version }), "PRECONDITION_FAILED");
    await failure(bucket.read("pinned", { ifVersion: "*" }), "PRECONDITION_FAILED");
    expect(await bucket.read("never", { ifVersion: version })).toBeUndefined();
    expect(await bucket.read("never", { ifVersion: "*" })).toBeUndefined();
  });
});

describe.skipIf(azure === undefined)("by each kind of credential", () => {
  it.each(["environment", "sharedKey", "sas", "connectionString"])("%s", async (kind) => {
    // The same calls go well by each: a key signs them, a SAS goes along in their URLs.
    const { connectionString = "", endpoint = "", accountName = "", accountKey = "" } = azure ?? {};
    const container = await newContainer();
    const expiresOn = new Date(Date.now() + 3_600_000);
    const permissions = ContainerSASPermissions.parse("racwdl");
    const key = new StorageSharedKeyCredential(accountName, accountKey);
    const { containerName } = container;
    const signed = { containerName, permissions, expiresOn };
    const sas = generateBlobSASQueryParameters(signed, key).toString();
    const inString = `BlobEndpoint=${endpoint};SharedAccessSignature=${sas}`;
    const environment = { AZURE_STORAGE_CONNECTION_STRING: connectionString };
    const options: Readonly<Record<string, Partial<AzureBucketOptions>>> = {
      environment: { environment },
      sharedKey: { endpoint, credentials: [{ kind: "sharedKey", key: accountKey }] },
      sas: { endpoint, credentials: [{ kind: "sas", token: `?${sas}` }] },
      connectionString: { connectionString: inString },
    };
    const bucket = azureBucket({
      container: containerName,
      environment: {},
      partBytes,
      ...options[kind],
    });
    const large = Buffer.alloc(2 * partBytes, "large");
    expect(await bucket.put("a/small +%", five, { ifAbsent: true })).toBe("created");
    expect(await bucket.put("a/large", large, { ifAbsent: true })).toBe("created");
    expect((await bucket.head("a/large"))?.size).toBe(large.byteLength);
    const range = { start: 1, end: 4 };
    expect(String(await (await bucket.read("a/small +%", { range }))?.bytes())).toBe("ell");
    const keys: string[] = [];
    for await (const info of bucket.list("a/", { startAfter: "a/large" })) keys.push(info.key);
    expect(keys).toEqual(["a/small +%"]);
    expect(await bucket.delete("a/large")).toBe(true);
    expect(bucket.name).not.toContain("sig=");
  });

  it("none, where the container is public", async () => {
    const container = await newContainer();
    await container.setAccessPolicy("blob");
    await container.getBlockBlobClient("blob").upload(five, five.byteLength);
    const bucket = azureBucket({
      container: container.containerName,
      endpoint: azure?.endpoint,
      anonymous: true,
    });
    expect(await (await bucket.read("blob"))?.bytes()).toEqual(five);
    const error = await failure(bucket.put("blob", five), "PERMISSION_DENIED");
    expect(error.persistence).toBe("permanent");
  });
});

/** Resolves to what the service answered, well or badly. */
async function answered(asking: Promise<{ _response: { status: number } }>): Promise<string> {
  try {
    // oxlint-disable-next-line no-underscore-dangle -- the SDK's public name of the plain answer
    return String((await asking)._response.status);
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    return `${error.statusCode} ${error.code ?? error.response?.headers.get("x-ms-error-code")}`;
  }
}

describe.skipIf(azure === undefined)("the emulator differs from the service:", () => {
  let container: ContainerClient;
  const put = (key: string): Promise<string> =>
    answered(container.getBlockBlobClient(key).upload(five, five.byteLength));
  const listed = async (): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of container.listBlobsFlat()) names.push(name);
    return names;
  };

  beforeAll(async () => {
    container = await newContainer();
  });

  it("a create of a key that is taken is 409, where the service may say 412", async () => {
    const blob = container.getBlockBlobClient("taken");
    await put("taken");
    const conditions = { ifNoneMatch: "*" };
    expect(await answered(blob.upload(five, 5, { conditions }))).toBe("409 BlobAlreadyExists");
    const id = Buffer.from("block").toString("base64");
    await blob.stageBlock(id, five, 5);
    expect(await answered(blob.commitBlockList([id], { conditions }))).toBe(
      "409 BlobAlreadyExists",
    );
  });

  it("a range that starts at the end is 206 with nothing, where the service says 416", async () => {
    const blob = container.getBlockBlobClient("ranged");
    await put("ranged");
    expect(await answered(blob.download(5, 1))).toBe("206");
    expect(await answered(blob.download(6))).toBe("416 InvalidRange");
    const empty = container.getBlockBlobClient("empty");
    await empty.upload("", 0);
    expect((await empty.download(0, 1)).contentRange).toBe("bytes 0--1/0");
  });

  it("a condition on what is absent is 412, where the service says 404 to a read", async () => {
    const conditions = { ifMatch: '"0x1"' };
    const blob = container.getBlockBlobClient("absent");
    expect(await answered(blob.download(0, undefined, { conditions }))).toBe("412 ConditionNotMet");
    expect(await answered(blob.upload(five, 5, { conditions }))).toBe("412 ConditionNotMet");
  });

  it("a wrong key is not allowed, where the service says that it is not known", async () => {
    const wrong = azureBucket({
      container: container.containerName,
      endpoint: azure?.endpoint,
      credentials: [{ kind: "sharedKey", key: Buffer.alloc(64).toString("base64") }],
    });
    const error = await failure(wrong.head("blob"), "PERMISSION_DENIED");
    expect(error.serviceCode).toBe("AuthorizationFailure");
  });

  it("names are in the order of UTF-16 units, the service leaves that open", async () => {
    const names = ["o-\u{1f600}", "o-\ue000", "o-\uff01"];
    for (const name of names) await put(name);
    expect((await listed()).filter((name) => name.startsWith("o-"))).toEqual(names);
  });

  it("dots at the end are kept, where the service drops them", async () => {
    await put("dots.");
    expect(await listed()).toContain("dots.");
  });

  it("names longer than 1,024 characters are taken", async () => {
    expect(await put("n".repeat(1025))).toBe("201");
  });

  it("an encryption scope that nobody made is taken", async () => {
    const scoped = container.getBlockBlobClient("scoped");
    expect(await answered(scoped.upload(five, 5, { encryptionScope: "none" }))).toBe("201");
  });

  it("is like the service in that a backslash becomes a slash", async () => {
    await put("back\\slash");
    expect(await listed()).toContain("back/slash");
  });

  it("is like the service in that a list can start from a name, which it includes", async () => {
    for (const name of ["s-1", "s-2", "s-3"]) await put(name);
    const names: string[] = [];
    for await (const { name } of container.listBlobsFlat({ prefix: "s-", startFrom: "s-2" })) {
      names.push(name);
    }
    expect(names).toEqual(["s-2", "s-3"]);
  });

  it("a name with U+FFFE makes every list of its container fail", async () => {
    const broken = await newContainer();
    await broken.getBlockBlobClient("a\ufffe").upload(five, 5);
    expect(
      await answered(
        broken
          .listBlobsFlat()
          .byPage()
          .next()
          .then(({ value }) => value),
      ),
    ).toBe("500 undefined");
  });
});
