import { describe, expect, test } from "vitest";
import { s3Bucket, type S3BucketOptions } from "../src/index.ts";
import { expectCode } from "./expect-code.ts";
import { answerObject, scriptedServer } from "./scripted-server.ts";

// Options: what could not work is refused at once, with a message that names it, and what is left
// out comes from the environment.

const refused: Record<string, readonly [Partial<S3BucketOptions>, RegExp]> = {
  "an empty bucket": [{ bucket: "" }, /name is empty/],
  "a bucket with a path": [{ bucket: "a/b" }, /name/],
  "an endpoint that is no URL": [{ endpoint: "localhost:9000" }, /no http or https URL/],
  "an endpoint with a password": [{ endpoint: "https://me:hunter2@host" }, /user info/],
  "an endpoint with a query": [{ endpoint: "https://host?x=1" }, /query/],
  "parts below S3's limit": [{ partBytes: 5 * 1024 * 1024 - 1 }, /partBytes is 5242879/],
  "parts above S3's limit": [{ partBytes: 6 * 1024 ** 3 }, /partBytes/],
  "no parts at once": [{ partsInFlightMax: 0 }, /partsInFlightMax/],
  "a page above S3's limit": [{ listPageSize: 1001 }, /listPageSize is 1001/],
  "no connections": [{ connectionsMax: 0 }, /connectionsMax/],
  "half a millisecond": [{ idleMs: 0.5 }, /idleMs/],
  "two kinds of credentials": [{ anonymous: true, profile: "x" }, /exclude each other/],
  "an empty list of credentials": [{ credentials: [] }, /empty/],
  "a customer's key of 31 bytes": [{ sseCustomerKey: new Uint8Array(31) }, /31 bytes/],
  "two kinds of encryption": [
    { sseCustomerKey: new Uint8Array(32), serverSideEncryption: "AES256" },
    /exclude each other/,
  ],
};

describe("options that could not work", () => {
  for (const [title, [options, message]] of Object.entries(refused)) {
    test(`${title}: CONFIG_INVALID`, () => {
      const opening = (): unknown => s3Bucket({ bucket: "b", environment: {}, ...options });
      expect(opening).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
      expect(opening).toThrow(message);
      expect(opening).not.toThrow(/hunter2/);
    });
  }
});

describe("the endpoint", () => {
  const cases = {
    AWS_ENDPOINT_URL_S3: true,
    AWS_ENDPOINT_URL: true,
  };

  for (const variable of Object.keys(cases)) {
    test(`comes from ${variable}, in path style`, async () => {
      await using server = await scriptedServer((_, answer) =>
        answerObject(answer, new Uint8Array(3)),
      );
      const environment = { [variable]: server.endpoint };
      const options = { bucket: "models", region: "us-east-1", anonymous: true };
      await using bucket = s3Bucket({ ...options, environment });
      expect((await bucket.head("key"))?.size).toBe(3);
      expect(server.requests[0]?.url).toBe("/models/key");
    });
  }

  test("can have the bucket in its host's name", async () => {
    await using server = await scriptedServer((_, answer) =>
      answerObject(answer, new Uint8Array(3)),
    );
    const { port } = new URL(server.endpoint);
    await using bucket = s3Bucket({
      bucket: "models",
      // Every name under localhost is this machine, as far as the resolver goes along.
      endpoint: `http://localhost:${port}`,
      pathStyle: false,
      region: "us-east-1",
      anonymous: true,
    });
    const asking = bucket.head("key");
    const [asked] = await Promise.allSettled([asking]);
    if (asked.status === "rejected") {
      expect((await expectCode(asking, "UNAVAILABLE")).detail).toContain("models.localhost");
      return;
    }
    expect(server.requests[0]?.headers.host).toBe(`models.localhost:${port}`);
    expect(server.requests[0]?.url).toBe("/key");
  });

  test("of AWS is used where none is named, in the region that it names itself", async () => {
    // A handler that answers for AWS: the bucket is in eu-west-1, whatever region is asked.
    const hosts: string[] = [];
    const requestHandler = {
      handle: async (request: { readonly hostname: string }) => {
        hosts.push(request.hostname);
        const isRight = request.hostname === "models.s3.eu-west-1.amazonaws.com";
        const headers: Record<string, string> = isRight
          ? { "content-length": "3", etag: '"e"' }
          : { "x-amz-bucket-region": "eu-west-1" };
        return { response: { statusCode: isRight ? 200 : 301, headers, body: new Uint8Array() } };
      },
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    };
    const options = { bucket: "models", anonymous: true, environment: {} };
    await using bucket = s3Bucket({ ...options, requestHandler });
    expect((await bucket.head("key"))?.size).toBe(3);
    expect((await bucket.head("key"))?.size).toBe(3);
    expect(hosts[0]).toMatch(/^models\.s3\.([a-z0-9-]+\.)?amazonaws\.com$/);
    expect(hosts.slice(-2)).toEqual([
      "models.s3.eu-west-1.amazonaws.com",
      "models.s3.eu-west-1.amazonaws.com",
    ]);
  });
});

describe("keys with segments that a path resolves away", () => {
  const odd = ["/a", "a//b", "./a", "a/./b", "../a", "a/../b", "a/..", ".", ".."];

  test("are refused behind an endpoint, by every operation", async () => {
    await using bucket = s3Bucket({ bucket: "b", endpoint: "http://127.0.0.1:1", anonymous: true });
    for (const key of odd) {
      await expectCode(bucket.head(key), "INVALID_ARGUMENT");
      await expectCode(bucket.read(key), "INVALID_ARGUMENT");
      await expectCode(bucket.put(key, new Uint8Array()), "INVALID_ARGUMENT");
      await expectCode(bucket.delete(key), "INVALID_ARGUMENT");
    }
  });

  test("are sent to AWS as they are", async () => {
    const paths: string[] = [];
    const requestHandler = {
      handle: async (request: { readonly path: string }) => {
        paths.push(request.path);
        const headers = { "content-length": "3", etag: '"e"' };
        return { response: { statusCode: 200, headers, body: new Uint8Array() } };
      },
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    };
    const options = { bucket: "models", region: "us-east-1", anonymous: true, environment: {} };
    await using bucket = s3Bucket({ ...options, requestHandler });
    for (const key of odd) await bucket.head(key);
    expect(paths).toEqual(odd.map((key) => `/${key}`));
  });
});

test("a directory bucket can't be listed, since its order is none", async () => {
  const options = { bucket: "b--use1-az4--x-s3", region: "us-east-1", anonymous: true };
  await using bucket = s3Bucket({ ...options, environment: {} });
  expect(bucket.capabilities.list).toBe(false);
  await expectCode(bucket.list("")[Symbol.asyncIterator]().next(), "UNSUPPORTED");
});
