import { inspect } from "node:util";
import type { Bucket } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { resolveAccount } from "../src/account.ts";
import { type AzureBucketOptions, type AzureCredential, azureBucket } from "../src/index.ts";
import { openContainer } from "../src/open-container.ts";
import { failure } from "./expectations.ts";
import { answerBytes, answerError, type Answering, stubService } from "./stub-service.ts";

// Where credentials come from, in which order they are tried, and that none of them is ever seen.

const key = Buffer.alloc(64, "topsecret").toString("base64");
const bytes = Buffer.from("hello");
const old: AzureCredential = { kind: "sas", token: "?sv=2026&sig=topsecretold" };
const good: AzureCredential = { kind: "sas", token: "sv=2026&sig=topsecretgood" };
const connectionString =
  `DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=${key};` +
  "EndpointSuffix=core.windows.net";

/** Takes one signature; the others are refused as the service does. */
const byGood: Answering = (asked, response) => {
  if (asked.query.get("sig") === "topsecretgood") return answerBytes(response, bytes);
  return answerError(asked, response, 403, "AuthenticationFailed");
};

function bucketAt(endpoint: string, more: Partial<AzureBucketOptions>): Bucket {
  return azureBucket({ container: "box", endpoint, environment: {}, partBytes: 2, ...more });
}

async function read(bucket: Bucket): Promise<string> {
  return Buffer.from((await (await bucket.read("blob"))?.bytes()) ?? []).toString();
}

describe("several credentials", () => {
  it("are tried in order, and the one that serves is kept", async () => {
    await using service = await stubService(byGood);
    const bucket = bucketAt(service.endpoint, { credentials: [old, good, { kind: "anonymous" }] });
    for (let turn = 0; turn < 3; turn += 1) expect(await read(bucket)).toBe("hello");
    const signatures = service.asked.map(({ query }) => query.get("sig"));
    expect(signatures).toEqual(["topsecretold", ...Array(3).fill("topsecretgood")]);
  });

  it("pass on where one can't be loaded", async () => {
    await using service = await stubService(byGood);
    const token: AzureCredential = {
      kind: "token",
      credential: {
        getToken: () => {
          throw Object.assign(new Error("no login"), { name: "CredentialUnavailableError" });
        },
      },
    };
    const other: AzureCredential = { kind: "connectionString", connectionString: "" };
    const noKey: AzureCredential = { kind: "sharedKey", key: "" };
    const credentials = [token, noKey, { ...other, connectionString: otherAccount }, good];
    expect(await read(bucketAt(service.endpoint, { account: "acme", credentials }))).toBe("hello");
    expect(service.asked).toHaveLength(1);
  });

  it("pass on within one upload, without reading its body again", async () => {
    const sent: string[] = [];
    await using service = await stubService((asked, response) => {
      const signature = asked.query.get("sig") ?? "";
      if (signature !== "topsecretgood") {
        return answerError(asked, response, 403, "AuthenticationFailed");
      }
      sent.push(asked.query.get("comp") ?? "whole");
      response.writeHead(201, { etag: '"0x1"', "content-length": 0 }).end();
    });
    let opened = 0;
    const body = async function* () {
      opened += 1;
      yield bytes;
    };
    const bucket = bucketAt(service.endpoint, { credentials: [old, good], partsInFlightMax: 1 });
    expect(await bucket.put("blob", body)).toBe("replaced");
    expect(sent).toEqual(["block", "block", "block", "blocklist"]);
    expect(opened).toBe(1);
  });

  it("are not passed on because of one object", async () => {
    await using service = await stubService((asked, response) => {
      answerError(asked, response, 403, "AuthorizationPermissionMismatch");
    });
    const bucket = bucketAt(service.endpoint, { credentials: [old, good] });
    await failure(bucket.read("blob"), "PERMISSION_DENIED");
    expect(service.asked).toHaveLength(1);
  });

  it("that are all refused are named by their kinds", async () => {
    await using service = await stubService((asked, response) => {
      answerError(asked, response, 403, "AuthenticationFailed");
    });
    const credentials: AzureCredential[] = [old, { kind: "anonymous" }];
    const bucket = bucketAt(service.endpoint, { credentials });
    const error = await failure(bucket.read("blob"), "UNAUTHENTICATED");
    expect(error.message).toContain("none of the credentials (sas, anonymous) is good");
    await failure(bucket.read("blob"), "UNAUTHENTICATED");
    expect(service.asked).toHaveLength(4);
  });

  it("do not send tokens over http", async () => {
    await using service = await stubService(byGood);
    const credential = { getToken: async () => ({ token: "topsecret", expiresOnTimestamp: 9e15 }) };
    const bucket = bucketAt(service.endpoint, { credentials: [{ kind: "token", credential }] });
    const error = await failure(bucket.read("blob"), "UNAUTHENTICATED");
    expect(error.message).toContain("https only");
    expect(service.asked).toHaveLength(0);
  });

  it("load @azure/identity when it is needed", async () => {
    const place = { url: "https://acme.blob.core.windows.net/box", account: "acme" };
    const client = await openContainer({ kind: "identity" }, { ...place, agent: undefined });
    expect(Reflect.has(client.credential, "getToken")).toBe(true);
  });
});

const otherAccount = connectionString.replace("AccountName=acme", "AccountName=other");

describe("where credentials come from", () => {
  const resolved = (
    options: Partial<AzureBucketOptions>,
    environment: Record<string, string> = {},
  ): readonly [string, string, string | undefined] => {
    const found = resolveAccount({ container: "box", ...options }, environment);
    const kinds = found.credentials.map(({ kind }) => kind).join();
    return [found.endpoint.href, kinds, found.account];
  };
  const acme = "https://acme.blob.core.windows.net/";
  const inString = { AZURE_STORAGE_CONNECTION_STRING: connectionString };
  const inKey = { AZURE_STORAGE_ACCOUNT: "acme", AZURE_STORAGE_KEY: key };
  const inSas = { AZURE_STORAGE_ACCOUNT: "acme", AZURE_STORAGE_SAS_TOKEN: "sig=x" };

  it("is the options, and then the environment, in a fixed order", () => {
    expect(resolved({ connectionString })).toEqual([acme, "connectionString", "acme"]);
    expect(resolved({ account: "acme" })).toEqual([acme, "identity", "acme"]);
    expect(resolved({}, { ...inSas, ...inKey, ...inString })[1]).toBe("connectionString");
    expect(resolved({}, { ...inSas, ...inKey })).toEqual([acme, "sharedKey", "acme"]);
    expect(resolved({}, inSas)).toEqual([acme, "sas", "acme"]);
    expect(resolved({}, { AZURE_STORAGE_ACCOUNT: "acme" })).toEqual([acme, "identity", "acme"]);
    expect(resolved({ anonymous: true }, inKey)).toEqual([acme, "anonymous", "acme"]);
    const mixed: AzureCredential[] = [{ kind: "anonymous" }, { kind: "default" }];
    expect(resolved({ credentials: mixed }, inKey)).toEqual([acme, "anonymous,sharedKey", "acme"]);
    expect(resolved({ credentials: mixed }, inString)[1]).toBe("anonymous,connectionString");
    expect(resolved({ credentials: [old, good] }, inKey)).toEqual([acme, "sas,sas", "acme"]);
    const listed: AzureCredential = { kind: "connectionString", connectionString };
    expect(resolved({ credentials: [listed] })).toEqual([acme, "connectionString", "acme"]);
    expect(
      resolved({ anonymous: true, account: "acme" }, { AZURE_STORAGE_CONNECTION_STRING: "x" }),
    ).toEqual([acme, "anonymous", "acme"]);
  });

  it("is never the environment of another account", () => {
    const other = "https://other.blob.core.windows.net/";
    for (const environment of [inString, inKey, inSas]) {
      expect(resolved({ account: "other" }, environment)).toEqual([other, "identity", "other"]);
      expect(resolved({ endpoint: other }, environment)).toEqual([other, "identity", "other"]);
    }
  });

  it("knows emulators, and SAS in a connection string", () => {
    const emulator = "http://127.0.0.1:10000/devstoreaccount1";
    expect(resolved({ connectionString: "UseDevelopmentStorage=true" })).toEqual([
      emulator,
      "connectionString",
      "devstoreaccount1",
    ]);
    expect(resolved({ endpoint: `${emulator}/`, anonymous: true })).toEqual([
      emulator,
      "anonymous",
      "devstoreaccount1",
    ]);
    const sas = "BlobEndpoint=https://acme.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=x";
    expect(resolved({ connectionString: sas })).toEqual([acme, "connectionString", "acme"]);
  });
});

describe("mistakes", () => {
  const opening = (options: Partial<AzureBucketOptions>) => (): Bucket =>
    azureBucket({ container: "box", environment: {}, ...options });

  it.each<[string, Partial<AzureBucketOptions>, RegExp]>([
    ["no account", {}, /no account: give account/],
    ["a container that is none", { account: "acme", container: "../up" }, /no name of a container/],
    ["a container in capitals", { account: "acme", container: "Box" }, /no name of a container/],
    ["a short container", { account: "acme", container: "ab" }, /no name of a container/],
    ["an account that is none", { account: "evil.example.com/" }, /no name of a storage account/],
    ["an endpoint that is none", { endpoint: "acme" }, /no http or https URL/],
    ["an endpoint of another scheme", { endpoint: "ftp://acme" }, /no http or https URL/],
    ["a SAS in the endpoint", { endpoint: "https://a.example.com/?sig=topsecret" }, /give a SAS/],
    ["user info", { endpoint: "https://u:topsecret@a.example.com" }, /user info/],
    ["a bad string", { connectionString: "AccountKey=topsecret" }, /can't be read/],
    ["another account", { account: "other", connectionString }, /of another account/],
    ["two at once", { account: "acme", anonymous: true, connectionString }, /exclude each other/],
    ["no credentials", { account: "acme", credentials: [] }, /credentials is empty/],
    ["no part", { account: "acme", partBytes: 0 }, /partBytes must be a whole number/],
    ["a huge part", { account: "acme", partBytes: 2 ** 33 }, /partBytes must be a whole number/],
    ["a huge page", { account: "acme", listPageSize: 5001 }, /listPageSize/],
    ["no connections", { account: "acme", connectionsMax: Number.NaN }, /connectionsMax/],
    ["a short key", { account: "acme", customerProvidedKey: "topsecret" }, /32 bytes in base64/],
    [
      "a key in the clear",
      {
        endpoint: "http://127.0.0.1:1/a",
        customerProvidedKey: Buffer.alloc(32).toString("base64"),
      },
      /must be https/,
    ],
    [
      "a key and a scope",
      { account: "acme", customerProvidedKey: "x", encryptionScope: "y" },
      /exclude each other/,
    ],
  ])("such as %s are told at once, without secrets", (_, options, message) => {
    expect(opening(options)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(opening(options)).toThrow(message);
    expect(opening(options)).not.toThrow(/topsecret/);
  });

  it.each(["box", "$root", "$web", "a-b-c", "0".repeat(63)])("do not include %s", (container) => {
    expect(opening({ account: "acme", container })).not.toThrow();
  });
});

describe("names and secrets", () => {
  it("names say the container, or where it is", () => {
    const name = (options: Partial<AzureBucketOptions>): string =>
      azureBucket({ container: "box", environment: {}, ...options }).name;
    expect(name({ connectionString })).toBe("az://box");
    expect(name({ account: "acme" })).toBe("https://acme.blob.core.windows.net/box");
    const endpoint = "http://127.0.0.1:10000/devstoreaccount1";
    expect(name({ endpoint, credentials: [good] })).toBe(`${endpoint}/box`);
  });

  it("errors show no key and no SAS, whatever fails", async () => {
    // Each way to fail, by SAS and by key, printed with everything that hangs on the error.
    const ways: Answering[] = [
      (asked, response) => answerError(asked, response, 403, "AuthenticationFailed"),
      (asked, response) => answerError(asked, response, 404, "ContainerNotFound"),
      (asked, response) => answerError(asked, response, 500, "InternalError"),
      (_, response) => void response.destroy(),
      (_, response) => void response.writeHead(302, { location: "/x" }).end(),
      (_, response) => void response.writeHead(200, { etag: '"1"' }).end("no length"),
      ({ url }, response) => {
        response.writeHead(400, { "content-type": "application/xml" }).end(`<Error>${url}`);
      },
      ({ url }, response) => void response.writeHead(500).end(url),
      (_, response) => {
        response.writeHead(200, { etag: '"1"', "content-length": 9 });
        response.write("short", () => response.destroy());
      },
    ];
    for (const way of ways) {
      await using service = await stubService(way);
      for (const credentials of [[good], [{ kind: "sharedKey", key } as const], [old, good]]) {
        const bucket = bucketAt(service.endpoint, { credentials, partAttemptsMax: 1 });
        const calls = [
          bucket.head("blob"),
          read(bucket),
          bucket.put("blob", bytes),
          bucket.put("blob", bytes.subarray(0, 1), { ifAbsent: true }),
          bucket.delete("blob"),
          (async () => {
            for await (const found of bucket.list("")) expect(found).toBeDefined();
          })(),
        ];
        for (const settled of await Promise.allSettled(calls)) {
          if (settled.status === "fulfilled") continue;
          const shown = inspect(settled.reason, { depth: 20, showHidden: true });
          expect(shown).not.toContain("topsecret");
          expect(shown).not.toContain(key);
          expect(shown).not.toContain("SharedKey acme:");
        }
      }
    }
  });
});
