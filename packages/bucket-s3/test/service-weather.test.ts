import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { s3Bucket } from "../src/index.ts";
import { against, alsoDispose, disposeAll, eventually } from "./against.ts";
import { all, expectCode } from "./expect-code.ts";
import { manualClock } from "./manual-clock.ts";
import {
  answerError,
  answerObject,
  errorXml,
  type Script,
  scriptedServer,
  type ScriptedServer,
} from "./scripted-server.ts";

// Services that refuse, as real HTTP servers: every failure is a StoreError whose message says what
// to do, asked once, and a 404 is a miss only where it is about the object.

afterEach(disposeAll);

const bytes = new Uint8Array(1000).map((_, at) => at % 251);

/** Puts a server before another that answers every PUT as soon as its headers have come. */
function beforeBodies(behind: ScriptedServer, onPut: (socket: Socket) => void): Server {
  return createServer((socket) => {
    const through = connect(Number(new URL(behind.endpoint).port), "127.0.0.1");
    through.on("error", () => socket.destroy());
    socket.on("error", () => through.destroy());
    through.pipe(socket);
    let isPut = false;
    socket.on("data", (chunk) => {
      if (!isPut && chunk.toString("latin1").startsWith("PUT")) {
        isPut = true;
        onPut(socket);
      } else if (!isPut) through.write(chunk);
    });
  });
}

describe("a service that refuses", () => {
  test("503 with Retry-After: asked once, and the wait is passed on", async () => {
    const { bucket, server } = await against((_, answer) =>
      answerError(answer, 503, "SlowDown", { "retry-after": "7" }),
    );
    for (const ask of [
      () => bucket.read("key"),
      () => bucket.put("key", bytes),
      () => all(bucket.list("")),
    ]) {
      const error = await expectCode(ask(), "RATE_LIMITED");
      expect(error.retryAfterMs).toBe(7000);
      expect(error.persistence).toBe("transient");
    }
    expect(server.requests).toHaveLength(3);
  });

  test("the wrong region, configured: CONFIG_INVALID that names the right one", async () => {
    const { bucket } = await against((_, answer) =>
      answerError(answer, 301, "PermanentRedirect", { "x-amz-bucket-region": "eu-north-1" }),
    );
    const error = await expectCode(bucket.read("key"), "CONFIG_INVALID");
    expect(error.detail).toContain("set region=eu-north-1");
  });

  test("the wrong region, not configured: the right one is adopted", async () => {
    // The server tells the region by the signature's scope, as S3 does.
    const { bucket, server } = await against(
      (got, answer) => {
        const isRight = got.headers.authorization?.includes("/eu-north-1/s3/") === true;
        if (isRight) answerObject(answer, bytes);
        else {
          answerError(answer, 400, "AuthorizationHeaderMalformed", {
            "x-amz-bucket-region": "eu-north-1",
          });
        }
      },
      { region: undefined },
    );
    expect((await bucket.head("key"))?.size).toBe(1000);
    const asked = server.requests.length;
    expect((await bucket.head("key"))?.size).toBe(1000);
    expect(server.requests.length - asked, "it is remembered").toBe(1);
  });

  test("a redirect is not followed", async () => {
    const { bucket, server } = await against((_, answer) =>
      answerError(answer, 307, "TemporaryRedirect", { location: "http://127.0.0.1:1/elsewhere" }),
    );
    await expectCode(bucket.read("key"), "UNAVAILABLE");
    expect(server.requests).toHaveLength(1);
  });

  test("an error's body that never ends is not read to its end", async () => {
    const { bucket, server } = await against((_, answer) => {
      answer.writeHead(403, { "content-type": "application/xml" });
      const more = (): void => {
        while (!answer.destroyed && answer.write(new Uint8Array(65_536).fill(32))) continue;
        if (!answer.destroyed) answer.once("drain", more);
      };
      more();
    });
    await expectCode(bucket.read("key"), "PERMISSION_DENIED");
    await eventually("the connection is closed", () => server.connections.open === 0);
  });

  test("an answer by the headers alone gives the connection back, no body is sent", async () => {
    // There is one connection only: were it kept for the rest of the body, nothing else would pass.
    const server = await scriptedServer((_, answer) => answerObject(answer, bytes));
    let sent = 0;
    const hasty = beforeBodies(server, (socket) => {
      const xml = errorXml("PreconditionFailed");
      socket.on("data", (more) => {
        sent += more.byteLength;
      });
      socket.write(`HTTP/1.1 412 No\r\nContent-Length: ${xml.length}\r\n\r\n${xml}`);
    });
    const { bucket } = await against(hasty, { connectionsMax: 1 });
    alsoDispose(server);
    const large = new Uint8Array(6 * 1024 * 1024);
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await bucket.put("key", large, { ifAbsent: true })).toBe("existed");
      expect((await bucket.head("key"))?.size).toBe(1000);
    }
    expect(sent).toBe(0);
  });

  test("an answer that is lost as the service closes on the body is found by HEAD", async () => {
    // Some answer before they have read the body, and close: what arrives is the reset.
    const server = await scriptedServer((got, answer) => {
      if (got.url.includes("taken")) answerObject(answer, bytes, { etag: '"v2"' });
      else answerError(answer, 404, "NoSuchKey");
    });
    alsoDispose(server);
    const { bucket } = await against(beforeBodies(server, (socket) => socket.resetAndDestroy()));
    expect(await bucket.put("taken", bytes, { ifAbsent: true })).toBe("existed");
    await expectCode(bucket.put("taken", bytes, { ifVersion: "v1" }), "PRECONDITION_FAILED");
    for (const options of [{}, { ifAbsent: true }]) {
      const error = await expectCode(bucket.put("absent", bytes, options), "UNAVAILABLE");
      expect(error.persistence).toBe("transient");
    }
    await expectCode(bucket.put("taken", bytes, { ifVersion: "v2" }), "UNAVAILABLE");
  });

  test("nobody listens, or there is no such host", async () => {
    const closed = await scriptedServer(() => undefined);
    await closed[Symbol.asyncDispose]();
    for (const endpoint of [closed.endpoint, "http://bitstore.invalid"]) {
      const credentials = ["anonymous"] as const;
      const bucket = s3Bucket({ bucket: "b", endpoint, region: "us-east-1", credentials });
      alsoDispose(bucket);
      const error = await expectCode(bucket.head("key"), "UNAVAILABLE");
      expect(error.detail).toMatch(/ECONNREFUSED|ENOTFOUND|EAI_AGAIN/);
      expect(error.detail).toContain("check that the endpoint is right");
      expect(error.persistence).toBe("transient");
    }
  });
});

describe("a 404 that does not say of what", () => {
  test("HEAD asks by a read; where that says nothing, one HeadBucket answers many", async () => {
    // A clone whose 404 has no body: only HeadBucket tells a missing object from a missing bucket.
    const { bucket, server } = await against((got, answer) => {
      answer.writeHead(got.url === "/weather/" || got.url === "/weather" ? 200 : 404);
      answer.end();
    });
    const many = Array.from({ length: 20 }, () => bucket.head("absent"));
    expect(await Promise.all(many)).toEqual(Array.from({ length: 20 }, () => undefined));
    expect(await bucket.read("absent")).toBeUndefined();
    const heads = server.requests.filter(({ url }) => !url.includes("absent"));
    expect(heads).toHaveLength(1);
  });

  test("a bucket that answered is believed in for bucketSeenMs", async () => {
    const clock = manualClock();
    const script: Script = (got, answer) => {
      if (got.method === "HEAD") answer.writeHead(404).end();
      else answerError(answer, 404, "NoSuchKey");
    };
    const { bucket, server } = await against(script, { clock, bucketSeenMs: 5000 });
    const requestsOfAMiss = async (): Promise<number> => {
      const before = server.requests.length;
      expect(await bucket.head("absent")).toBeUndefined();
      return server.requests.length - before;
    };
    expect(await requestsOfAMiss()).toBe(2);
    for (let turn = 0; turn < 5; turn += 1) expect(await requestsOfAMiss()).toBe(1);
    clock.advance(5000);
    expect(await requestsOfAMiss()).toBe(2);
  });

  test("a bucket that is not there is UNAVAILABLE", async () => {
    const { bucket } = await against((_, answer) => {
      answer.writeHead(404);
      answer.end();
    });
    for (const ask of [
      () => bucket.head("key"),
      () => bucket.read("key"),
      () => bucket.delete("key"),
    ]) {
      const error = await expectCode(ask(), "UNAVAILABLE");
      expect(error.persistence).toBe("permanent");
      expect(error.detail).toContain("create it, or correct its name");
    }
  });

  test("a 404 with a code that nobody knows is no miss", async () => {
    const { bucket } = await against((_, answer) => answerError(answer, 404, "NoSuchTenant"));
    await expectCode(bucket.read("key"), "UNAVAILABLE");
    await expectCode(bucket.head("key"), "UNAVAILABLE");
  });
});
