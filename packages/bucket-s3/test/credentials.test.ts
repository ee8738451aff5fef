import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from "vitest";
import type { S3Service } from "../../../test/services/services.ts";
import { s3Bucket, type S3Credentials, type S3BucketOptions } from "../src/index.ts";
import { all, expectCode } from "./expect-code.ts";
import { answerError, answerObject, scriptedServer } from "./scripted-server.ts";
import { makeBucket, optionsOf } from "./services-of-s3.ts";
import type { Bucket } from "@bitstore/core";

// Several credentials tried in order, on real services: what can't be loaded or is not known passes
// on to the next, whatever operation finds it out; being denied one object does not.

const { s3, s3Clone } = inject("services");
const bytes = new Uint8Array(100).fill(1);

for (const [name, service] of [
  ["MinIO", s3],
  ["versitygw", s3Clone],
] as const) {
  describe.skipIf(service === undefined)(`on ${name}`, () => {
    if (service !== undefined) candidatesOn(service);
  });
}

function candidatesOn(service: S3Service): void {
  const { accessKeyId, secretAccessKey } = service;
  const right: S3Credentials = { accessKeyId, secretAccessKey };
  const wrong: Record<string, S3Credentials> = {
    "an unknown key id": { accessKeyId: "nobody", secretAccessKey },
    "a wrong secret": { accessKeyId, secretAccessKey: "wrong" },
    "a nonsense token": { ...right, sessionToken: "nonsense" },
    "a profile that is not there": { profile: "bitstore-no-such-profile" },
    "a provider that fails": () => Promise.reject(new Error("the vault is closed")),
    "a provider that gives nothing": () =>
      Promise.resolve({ accessKeyId: "", secretAccessKey: "" }),
  };
  let bucketName = "";

  beforeAll(async () => {
    bucketName = await makeBucket(service);
    await using bucket = open([right]);
    await bucket.put("there", bytes);
  });

  const open = (credentials: readonly S3Credentials[]): Bucket =>
    s3Bucket({ ...optionsOf(service, bucketName), credentials });

  const operations: Record<string, (bucket: Bucket) => Promise<unknown>> = {
    head: (bucket) => bucket.head("there"),
    "head of what is absent": (bucket) => bucket.head("absent"),
    read: async (bucket) => (await bucket.read("there"))?.bytes(),
    put: (bucket) => bucket.put("new", bytes),
    "put of 2.5 MiB": (bucket) => bucket.put("larger", new Uint8Array(2.5 * 1024 * 1024)),
    "put in parts": (bucket) => bucket.put("large", new Uint8Array(6 * 1024 * 1024)),
    delete: (bucket) => bucket.delete("absent"),
    list: (bucket) => all(bucket.list("there")),
  };

  for (const [title, candidate] of Object.entries(wrong)) {
    test(`${title}: every operation passes on to the next`, async () => {
      for (const [operation, run] of Object.entries(operations)) {
        await using plain = open([right]);
        await using bucket = open([candidate, right]);
        const got = await run(bucket).catch(async (error: unknown) => {
          // A connection that a service closes on a body it does not want to read is transient:
          // the next attempt is made as somebody else.
          expect(error, operation).toMatchObject({ code: "UNAVAILABLE", persistence: "transient" });
          return run(bucket);
        });
        expect(got, operation).toEqual(await run(plain));
      }
    });

    test(`${title}, alone: UNAUTHENTICATED, by every operation`, async () => {
      for (const [operation, run] of Object.entries(operations)) {
        await using bucket = open([candidate]);
        const error = await expectCode(run(bucket), "UNAUTHENTICATED");
        expect(error.message, operation).not.toContain(secretAccessKey);
        expect(error.detail, operation).toMatch(/check the credentials/);
      }
    });
  }

  test("all refused: it says who was tried, and the next call starts over", async () => {
    let attempts = 0;
    const provider = (): Promise<{ accessKeyId: string; secretAccessKey: string }> => {
      attempts += 1;
      if (attempts > 2) return Promise.resolve({ accessKeyId, secretAccessKey });
      return Promise.reject(new Error("not yet"));
    };
    const unknown = wrong["an unknown key id"] ?? "anonymous";
    await using bucket = open([provider, unknown]);
    for (const attempt of [1, 2]) {
      const error = await expectCode(bucket.read("there"), "UNAUTHENTICATED");
      expect(error.detail).toContain("provider: CredentialsUnavailable, keys: ");
      expect(attempts).toBe(attempt);
    }
    expect(await (await bucket.read("there"))?.bytes()).toHaveLength(100);
  });

  test("whoever was accepted stays", async () => {
    let attempts = 0;
    const failing = (): Promise<never> => {
      attempts += 1;
      return Promise.reject(new Error("never"));
    };
    await using bucket = open([failing, right]);
    for (let turn = 0; turn < 5; turn += 1) expect((await bucket.head("there"))?.size).toBe(100);
    expect(attempts).toBe(1);
  });

  test("keys that were rotated are loaded again, also by many at once", async () => {
    let isRotated = false;
    let loads = 0;
    const provider = (): Promise<{ accessKeyId: string; secretAccessKey: string }> => {
      loads += 1;
      return Promise.resolve({ accessKeyId, secretAccessKey: isRotated ? secretAccessKey : "old" });
    };
    await using bucket = open([provider]);
    await expectCode(bucket.read("there"), "UNAUTHENTICATED");
    isRotated = true;
    const heads = Array.from({ length: 20 }, () => bucket.head("there"));
    for (const info of await Promise.all(heads)) expect(info?.size).toBe(100);
    expect(loads).toBeLessThan(10);
  });

  test("keys that expire are asked for again in time", async () => {
    const given: Date[] = [];
    const expiring = (): Promise<{
      accessKeyId: string;
      secretAccessKey: string;
      expiration: Date;
    }> => {
      // The first are about to expire; the second last.
      const expiration = new Date(Date.now() + (given.length === 0 ? 1000 : 3_600_000));
      given.push(expiration);
      return Promise.resolve({ accessKeyId, secretAccessKey, expiration });
    };
    await using bucket = open([expiring]);
    for (let turn = 0; turn < 5; turn += 1) {
      await vi.waitFor(async () => expect((await bucket.head("there"))?.size).toBe(100));
    }
    expect(given).toHaveLength(2);
  });

  test("anonymous is denied, and that is no reason to become somebody else", async () => {
    await using bucket = open(["anonymous", right]);
    for (const asking of [() => bucket.read("there"), () => bucket.head("there")]) {
      const error = await expectCode(asking(), "PERMISSION_DENIED");
      // A HEAD has no body to say so: the driver has asked by a read.
      expect(error.serviceCode).toBe("AccessDenied");
    }
  });
}

describe("what is denied", () => {
  test("one object that is denied changes nobody", async () => {
    await using server = await scriptedServer((got, answer) => {
      if (got.url.includes("denied")) answerError(answer, 403, "AccessDenied");
      else answerObject(answer, bytes);
    });
    const bucket = s3Bucket({
      bucket: "b",
      endpoint: server.endpoint,
      region: "us-east-1",
      credentials: [
        { accessKeyId: "first", secretAccessKey: "x" },
        { accessKeyId: "second", secretAccessKey: "x" },
      ],
    });
    await expectCode(bucket.read("denied"), "PERMISSION_DENIED");
    expect((await bucket.head("there"))?.size).toBe(100);
    for (const { headers } of server.requests) {
      expect(headers.authorization).toContain("Credential=first/");
    }
    await bucket[Symbol.asyncDispose]();
  });

  test("a role of the chain that is denied is no denial by the bucket", async () => {
    // Whoever loads the keys may be denied as well, and says it in the same words.
    const denied = Object.assign(new Error("not allowed to assume the role"), {
      name: "AccessDenied",
      $metadata: { httpStatusCode: 403 },
    });
    await using server = await scriptedServer((_, answer) => answerObject(answer, bytes));
    const options: S3BucketOptions = { bucket: "b", endpoint: server.endpoint, region: "r" };
    const alone = s3Bucket({ ...options, credentials: [() => Promise.reject(denied)] });
    const error = await expectCode(alone.read("key"), "UNAUTHENTICATED");
    expect(error.detail).toContain("not allowed to assume the role");
    expect(server.requests).toHaveLength(0);
    await alone[Symbol.asyncDispose]();
  });
});

describe("the default chain and profiles", () => {
  let folder = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "bitstore-s3-"));
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("AWS_CONFIG_FILE", join(folder, "config"));
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(folder, "credentials"));
    await writeFile(join(folder, "config"), "[profile other]\nregion = eu-west-2\n");
    await writeProfiles("file-1");
  });

  afterEach(() => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined);
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  async function writeProfiles(id: string): Promise<void> {
    const profile = `[other]\naws_access_key_id = ${id}\naws_secret_access_key = s\n`;
    await writeFile(join(folder, "credentials"), profile);
  }

  async function credentialOf(options: Partial<S3BucketOptions>): Promise<string | undefined> {
    await using server = await scriptedServer((_, answer) => answerObject(answer, bytes));
    await using bucket = s3Bucket({ bucket: "b", endpoint: server.endpoint, ...options });
    await bucket.head("key");
    return /Credential=(.*?)\/s3/.exec(server.requests[0]?.headers.authorization ?? "")?.[1];
  }

  test("the environment, then a profile with its region, then nobody", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "environment");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "s");
    vi.stubEnv("AWS_REGION", "ap-south-1");
    expect(await credentialOf({})).toMatch(/^environment\/\d+\/ap-south-1$/);
    vi.stubEnv("AWS_REGION", undefined);
    expect(await credentialOf({ profile: "other" })).toMatch(/^file-1\/\d+\/eu-west-2$/);
    expect(await credentialOf({ anonymous: true })).toBeUndefined();
  });

  test("keys in the shared file that were rotated are read again", async () => {
    let known = "file-1";
    await using server = await scriptedServer((got, answer) => {
      const isKnown = got.headers.authorization?.includes(`Credential=${known}/`) === true;
      if (isKnown) answerObject(answer, bytes);
      else answerError(answer, 403, "InvalidAccessKeyId");
    });
    await using bucket = s3Bucket({ bucket: "b", endpoint: server.endpoint, profile: "other" });
    expect((await bucket.head("key"))?.size).toBe(100);
    known = "file-2";
    await writeProfiles("file-2");
    expect((await bucket.head("key"))?.size).toBe(100);
  });

  test("no credentials anywhere: UNAUTHENTICATED before a request is sent", async () => {
    await using server = await scriptedServer((_, answer) => answerObject(answer, bytes));
    await using bucket = s3Bucket({ bucket: "b", endpoint: server.endpoint });
    const error = await expectCode(bucket.read("key"), "UNAUTHENTICATED");
    expect(error.detail).toContain("default credentials could not be loaded");
    expect(server.requests).toHaveLength(0);
  });
});
