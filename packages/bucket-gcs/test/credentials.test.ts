import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GcsBucketOptions, gcsBucket, type GcsCredential } from "@bitstore/bucket-gcs";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { expectCode } from "./expect-code.ts";
import { json, refuse, scriptedServer, type ScriptedServer } from "./scripted-server.ts";
import { manualClock } from "./test-clocks.ts";

// A real server is both the service and the token endpoint. The credentials are of the kind whose
// token endpoint can be chosen (an external account), and go through the SDK like all the others.

let folder = "";
let subjectFile = "";

beforeAll(async () => {
  // The SDK says for every external account that its key has to be trusted.
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  folder = await mkdtemp(join(tmpdir(), "bitstore-gcs-"));
  subjectFile = join(folder, "subject-token");
  await writeFile(subjectFile, "subject");
});

afterAll(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

afterEach(() => {
  vi.unstubAllEnvs();
});

interface Service {
  readonly server: ScriptedServer;
  /** What each request to the service was authorized with. */
  readonly sent: (string | undefined)[];
  /** Tokens that were given out. */
  readonly tokens: string[];
}

interface ServiceOptions {
  readonly accepts: (authorization: string | undefined) => boolean;
  readonly expiresInS?: number | undefined;
  /** Instead of a token; counts from 1. */
  readonly tokenStatus?: ((turn: number) => number | undefined) | undefined;
  readonly status?: number | undefined;
}

async function service(options: ServiceOptions): Promise<Service & AsyncDisposable> {
  const sent: (string | undefined)[] = [];
  const tokens: string[] = [];
  let turns = 0;
  const server = await scriptedServer((seen, response) => {
    if (seen.path === "/token") {
      turns += 1;
      const status = options.tokenStatus?.(turns);
      if (status !== undefined) {
        json(response, status, { error: status < 500 ? "invalid_grant" : "down" });
        return;
      }
      tokens.push(`token-${tokens.length + 1}`);
      json(response, 200, {
        access_token: tokens.at(-1),
        issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
        token_type: "Bearer",
        expires_in: options.expiresInS ?? 3600,
      });
      return;
    }
    sent.push(seen.headers.authorization);
    if (!options.accepts(seen.headers.authorization)) refuse(response, 401, "authError");
    else if (options.status === undefined) json(response, 200, { name: "k", size: "1" });
    else refuse(response, options.status);
  });
  return { server, sent, tokens, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const externalAccount = (tokenEndpoint: string): Record<string, unknown> => ({
  type: "external_account",
  audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  token_url: `${tokenEndpoint}/token`,
  credential_source: { file: subjectFile },
});

const open = (server: ScriptedServer, options: Partial<GcsBucketOptions>) =>
  gcsBucket({ bucket: "b", endpoint: server.endpoint, environment: {}, ...options });

const isBearer = (authorization: string | undefined): boolean => authorization !== undefined;

describe("one credential", () => {
  test("its token goes along, and is asked for once", async () => {
    await using here = await service({ accepts: isBearer });
    const { server, sent, tokens } = here;
    await using bucket = open(server, { credentials: [{ key: externalAccount(server.endpoint) }] });
    await Promise.all(Array.from({ length: 20 }, () => bucket.head("k")));
    expect(sent).toEqual(Array.from({ length: 20 }, () => "Bearer token-1"));
    expect(tokens).toHaveLength(1);
  });

  test("a service account's key is used without a warning on the console", async () => {
    const warn = vi.mocked(console.warn);
    warn.mockClear();
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = {
      type: "service_account",
      client_email: "nobody@nowhere.example",
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    };
    await using here = await service({ accepts: isBearer });
    await using bucket = open(here.server, { credentials: [{ key }] });
    // Google's own token endpoint either can't be reached from here or does not know the account.
    const error = await bucket.head("k").catch((reason: unknown) => reason);
    expect(["UNAVAILABLE", "UNAUTHENTICATED", "TIMEOUT"]).toContain(codeOf(error));
    expect(here.sent).toEqual([]);
    expect(warn).not.toHaveBeenCalled();
  });

  test("a token that is about to expire is renewed", async () => {
    await using here = await service({ accepts: isBearer, expiresInS: 1 });
    const { server, sent } = here;
    await using bucket = open(server, { credentials: [{ key: externalAccount(server.endpoint) }] });
    for (let turn = 0; turn < 3; turn += 1) await bucket.head("k");
    expect(sent).toEqual(["Bearer token-1", "Bearer token-2", "Bearer token-3"]);
  });

  test("a token that is refused before its time is replaced, for all that wait", async () => {
    let revoked = "";
    await using here = await service({ accepts: (given) => isBearer(given) && given !== revoked });
    const { server, sent, tokens } = here;
    await using bucket = open(server, { credentials: [{ key: externalAccount(server.endpoint) }] });
    await bucket.head("k");
    revoked = "Bearer token-1";
    await Promise.all(Array.from({ length: 10 }, () => bucket.head("k")));
    expect(tokens).toHaveLength(2);
    expect(sent.at(-1)).toBe("Bearer token-2");
    // And once more, since what was replaced once may be replaced again.
    revoked = "Bearer token-2";
    await bucket.head("k");
    expect(sent.at(-1)).toBe("Bearer token-3");
  });

  test("a key file is read", async () => {
    await using here = await service({ accepts: isBearer });
    const keyFile = join(folder, "key.json");
    await writeFile(keyFile, JSON.stringify(externalAccount(here.server.endpoint)));
    await using bucket = open(here.server, { credentials: [{ keyFile }] });
    expect(await bucket.head("k")).toMatchObject({ key: "k" });
    expect(here.sent).toEqual(["Bearer token-1"]);
  });

  test("the default chain finds the file that the environment names", async () => {
    await using here = await service({ accepts: isBearer });
    const keyFile = join(folder, "default.json");
    await writeFile(keyFile, JSON.stringify(externalAccount(here.server.endpoint)));
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", keyFile);
    await using bucket = open(here.server, { credentials: ["default"] });
    await bucket.head("k");
    expect(here.sent).toEqual(["Bearer token-1"]);
  });

  test("without any default credentials the message says how to get some", async () => {
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", "");
    vi.stubEnv("CLOUDSDK_CONFIG", folder);
    vi.stubEnv("METADATA_SERVER_DETECTION", "none");
    await using bucket = gcsBucket({ bucket: "b", environment: {} });
    const error = await expectCode(bucket.head("k"), "UNAUTHENTICATED");
    expect(error.message).toContain("gcloud auth application-default login");
    expect(error).toMatchObject({ operation: "head", source: "gs://b", subject: "k" });
  });
});

describe("a list of credentials", () => {
  const wrongKey = (): Record<string, unknown> => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    return {
      type: "service_account",
      client_email: "a@b.example",
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }).toString().slice(0, 500),
    };
  };

  test("those that can't be loaded pass on to the next", async () => {
    await using here = await service({ accepts: isBearer });
    const broken = join(folder, "broken.json");
    await writeFile(broken, '{"private_key": "hunter2", ');
    const credentials: GcsCredential[] = [
      { keyFile: join(folder, "absent.json") },
      { keyFile: broken },
      { key: { private_key: "hunter2" } },
      { key: { type: "service_account", client_email: "a@b.example" } },
      { key: wrongKey() },
      { key: externalAccount(here.server.endpoint) },
    ];
    await using bucket = open(here.server, { credentials });
    await bucket.head("k");
    await bucket.head("k");
    expect(here.sent).toEqual(["Bearer token-1", "Bearer token-1"]);
  });

  test("where none can be loaded the message names each, and no secret", async () => {
    await using here = await service({ accepts: isBearer });
    const broken = join(folder, "broken.json");
    await writeFile(broken, '{"private_key": "hunter2", ');
    const credentials: GcsCredential[] = [
      { keyFile: join(folder, "absent.json") },
      { keyFile: broken },
      { key: { type: "service_account", private_key: "hunter2" } },
    ];
    await using bucket = open(here.server, { credentials });
    const error = await expectCode(bucket.head("k"), "UNAUTHENTICATED");
    expect(error.message).toMatch(/absent\.json.*ENOENT.*broken\.json/);
    expect(JSON.stringify([error, error.message, error.cause])).not.toContain("hunter2");
    expect(here.sent).toEqual([]);
  });

  test("one that is refused with 401, twice, passes on to the next, which stays", async () => {
    await using here = await service({ accepts: (given) => given === undefined });
    const { server, sent } = here;
    const credentials: GcsCredential[] = [{ key: externalAccount(server.endpoint) }, "anonymous"];
    await using bucket = open(server, { credentials });
    await bucket.head("k");
    await bucket.head("k");
    expect(sent).toEqual(["Bearer token-1", "Bearer token-2", undefined, undefined]);
  });

  test("a refused grant passes on to the next", async () => {
    await using here = await service({
      accepts: (given) => given === undefined,
      tokenStatus: () => 400,
    });
    const credentials: GcsCredential[] = [
      { key: externalAccount(here.server.endpoint) },
      "anonymous",
    ];
    await using bucket = open(here.server, { credentials });
    await bucket.head("k");
    expect(here.sent).toEqual([undefined]);
  });

  test("a denied object is no reason to become somebody else", async () => {
    await using here = await service({ accepts: isBearer, status: 403 });
    const { server, sent } = here;
    const credentials: GcsCredential[] = [{ key: externalAccount(server.endpoint) }, "anonymous"];
    await using bucket = open(server, { credentials });
    await expectCode(bucket.head("k"), "PERMISSION_DENIED");
    await expectCode(bucket.read("k"), "PERMISSION_DENIED");
    expect(sent).toEqual(["Bearer token-1", "Bearer token-1"]);
  });

  test("a token endpoint that is down is no reason either, and may be back", async () => {
    await using here = await service({
      accepts: () => true,
      tokenStatus: (turn) => (turn <= 1 ? 503 : undefined),
    });
    const { server, sent } = here;
    const credentials: GcsCredential[] = [{ key: externalAccount(server.endpoint) }, "anonymous"];
    await using bucket = open(server, { credentials });
    const [first] = await Promise.allSettled([bucket.head("k")]);
    if (first.status === "rejected") expect(first.reason).toMatchObject({ code: "UNAVAILABLE" });
    await bucket.head("k");
    expect(sent).not.toContain(undefined);
  });

  test("where all are refused: an error, and later all of them again", async () => {
    let accepted = "nobody";
    const clock = manualClock();
    await using here = await service({ accepts: (given) => given === accepted });
    const { server, sent } = here;
    const credentials: GcsCredential[] = ["anonymous", { key: externalAccount(server.endpoint) }];
    await using bucket = open(server, { credentials, clock });
    const error = await expectCode(bucket.head("k"), "UNAUTHENTICATED");
    expect(error.message).toContain("anonymous: refused (401); key: refused (401)");
    expect(sent).toEqual([undefined, "Bearer token-1", "Bearer token-2"]);
    // Within seconds the last one is kept to, at one request a call.
    await expectCode(bucket.head("k"), "UNAUTHENTICATED");
    expect(sent).toHaveLength(4);
    clock.advance(11_000);
    accepted = "Bearer token-3";
    await bucket.head("k");
    expect(sent.slice(4)).toEqual([undefined, "Bearer token-3"]);
  });

  test("one object that is not public does not close a public bucket", async () => {
    await using server = await scriptedServer((seen, response) => {
      if (seen.path.endsWith("private")) refuse(response, 401, "required");
      else json(response, 200, { name: "k", size: "1" });
    });
    await using bucket = open(server, { anonymous: true });
    await expectCode(bucket.head("private"), "UNAUTHENTICATED");
    expect(await bucket.head("public")).toMatchObject({ size: 1 });
    await expectCode(bucket.head("private"), "UNAUTHENTICATED");
  });
});

describe("what goes where", () => {
  test("a foreign endpoint is sent nothing that nobody asked for", async () => {
    await using here = await service({ accepts: () => true });
    const keyFile = join(folder, "default.json");
    await writeFile(keyFile, JSON.stringify(externalAccount(here.server.endpoint)));
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", keyFile);
    await using bucket = open(here.server, {});
    await bucket.head("k");
    expect(here.sent).toEqual([undefined]);
    expect(here.tokens).toEqual([]);
  });

  test("the emulator is sent nothing at all", async () => {
    await using here = await service({ accepts: () => true });
    await using bucket = gcsBucket({
      bucket: "b",
      environment: { STORAGE_EMULATOR_HOST: here.server.endpoint },
      credentials: [{ key: externalAccount(here.server.endpoint) }],
    });
    await bucket.head("k");
    expect(here.sent).toEqual([undefined]);
    expect(here.tokens).toEqual([]);
  });

  test("an abort does not wait for a token", async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await scriptedServer(() => asked.resolve());
    await using bucket = open(server, { credentials: [{ key: externalAccount(server.endpoint) }] });
    const controller = new AbortController();
    const heading = bucket.head("k", { signal: controller.signal });
    await asked.promise;
    controller.abort();
    await expectCode(heading, "ABORTED");
  });
});

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : error;
}
