import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { isStoreError, type StoreError } from "@bitstore/core";
import { openPrincipal } from "../../src/access/authenticate.ts";
import { clientGate } from "../../src/limits/client-limits.ts";
import { clientKey } from "../../src/limits/client-key.ts";
import { limitNodeServer, nodeServerOptions } from "../../src/limits/node-limits.ts";
import { rateLimiter } from "../../src/limits/rate-limiter.ts";
import { watchSlowClient } from "../../src/limits/slow-clients.ts";
import { manualClock } from "../access/manual-clock.ts";

function limited(work: () => unknown): StoreError | undefined {
  try {
    work();
  } catch (error) {
    if (isStoreError(error, "RATE_LIMITED")) return error;
    throw error;
  }
  return undefined;
}

describe("rates", () => {
  test("let a burst through, then as many a second as they say, each client by itself", () => {
    // A clock that stands still, then goes on by the time that the refusal asked for.
    const clock = manualClock();
    const gate = clientGate({ requestsPerSecondMax: 2, burstMax: 3 }, clock);
    for (let each = 0; each < 3; each += 1) gate.enter("a")();
    const error = limited(() => gate.enter("a"));
    expect(error?.retryAfterMs).toBe(500);
    gate.enter("b")();
    clock.advance(499);
    expect(limited(() => gate.enter("a"))?.retryAfterMs).toBe(1);
    clock.advance(1);
    gate.enter("a")();
    expect(limited(() => gate.enter("a"))).toBeDefined();
    clock.advance(3_600_000);
    for (let each = 0; each < 3; each += 1) gate.enter("a")();
    expect(limited(() => gate.enter("a"))).toBeDefined();
  });

  test("remember no more clients than they may, and forget the quietest", () => {
    // A million addresses come by, while one client goes on asking.
    const clock = manualClock();
    const rate = rateLimiter({ requestsPerSecondMax: 1, burstMax: 1, clientsMax: 100 }, clock);
    expect(rate.take("steady")).toBe(0);
    for (let each = 0; each < 100_000; each += 1) {
      rate.take(`address ${each}`);
      if (each % 50 === 0) expect(rate.take("steady")).toBeGreaterThan(0);
      expect(rate.size).toBeLessThanOrEqual(100);
    }
  });

  test("bound what is under way, and count its end once", () => {
    // The end is told twice, as a response may both finish and close.
    const gate = clientGate({ requestsPerClientMax: 2 }, manualClock());
    const leave = gate.enter("a");
    gate.enter("a");
    expect(limited(() => gate.enter("a"))?.retryAfterMs).toBeGreaterThan(0);
    gate.enter("b");
    leave();
    leave();
    gate.enter("a");
    expect(limited(() => gate.enter("a"))).toBeDefined();
  });

  test("end the guessing of credentials", () => {
    // By the address, since nobody knows who it is.
    const clock = manualClock();
    const gate = clientGate({ refusalsPerMinuteMax: 5 }, clock);
    for (let each = 0; each < 5; each += 1) gate.refused("a");
    expect(limited(() => gate.refused("a"))).toBeDefined();
    gate.refused("b");
    clock.advance(12_000);
    gate.refused("a");
  });

  test("know a client by its name, or by its network", () => {
    // All of a /64 are one client; an IPv4 address is the same in both of its forms.
    const named = { ...openPrincipal(), name: "ci" };
    expect(clientKey(named, "1.2.3.4")).toBe(clientKey(named, "5.6.7.8"));
    expect(clientKey(undefined, "1.2.3.4")).toBe(clientKey(openPrincipal(), "::ffff:1.2.3.4"));
    expect(clientKey(undefined, "1.2.3.4")).not.toBe(clientKey(undefined, "1.2.3.5"));
    const one = clientKey(undefined, "2001:db8:1:2:3:4:5:6");
    expect(clientKey(undefined, "2001:0db8:1:2::9")).toBe(one);
    expect(clientKey(undefined, "2001:db8:1:3::9")).not.toBe(one);
    expect(clientKey({ ...named, name: "a b" }, "")).not.toBe(
      clientKey({ ...named, namespace: "default a", name: "b" }, ""),
    );
  });
});

/** A server that does something with each request, and the port that it listens on. */
async function serve(
  handle: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer(nodeServerOptions(), handle);
  limitNodeServer(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

describe("slow clients", () => {
  const limits = { bodyBytesPerSecondMin: 1000, windowMs: 6000 };

  test("that drip a body are cut off after a window, and fast ones never", async () => {
    // The clock is turned by hand: a window passes with 10 bytes, and ten with enough of them.
    for (const [bytes, isCut] of [
      [10, true],
      [2000, false],
    ] as const) {
      const clock = manualClock();
      let outcome: unknown;
      let tellArrived = (): void => undefined;
      const ended = Promise.withResolvers<void>();
      await using server = await serve((incoming, outgoing) => {
        watchSlowClient(incoming, outgoing, limits, clock);
        incoming.on("data", () => tellArrived());
        incoming.on("error", (error) => {
          outcome = error;
          ended.resolve();
        });
        incoming.on("end", () => {
          outgoing.end("done");
          ended.resolve();
        });
      });
      const outgoing = request({ port: server.port, host: "127.0.0.1", method: "PUT" });
      outgoing.on("error", () => undefined);
      outgoing.on("response", (response) => response.resume());
      for (let second = 0; second < 14 && outcome === undefined; second += 1) {
        const arrived = new Promise<void>((resolve) => (tellArrived = resolve));
        outgoing.write(Buffer.alloc(bytes));
        await Promise.race([arrived, ended.promise]);
        clock.advance(1000);
      }
      if (!isCut) outgoing.end();
      await ended.promise;
      expect(isStoreError(outcome, "TIMEOUT")).toBe(isCut);
    }
  });

  test("are not blamed for a server that does not read", async () => {
    // Hours go by while nobody takes what has come; then the rest is read as if nothing were.
    const clock = manualClock();
    const filled = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<number>();
    let read = (): void => undefined;
    await using server = await serve((incoming, outgoing) => {
      watchSlowClient(incoming, outgoing, limits, clock);
      incoming.once("readable", () => filled.resolve());
      read = () => {
        let size = 0;
        incoming.on("data", (chunk: Buffer) => (size += chunk.byteLength));
        incoming.on("end", () => {
          ended.resolve(size);
          outgoing.end();
        });
      };
      incoming.on("error", (error) => ended.reject(error));
    });
    const outgoing = request({ port: server.port, host: "127.0.0.1", method: "PUT" });
    outgoing.on("error", () => undefined);
    outgoing.end(Buffer.alloc(2 ** 20));
    await filled.promise;
    for (let each = 0; each < 100; each += 1) clock.advance(60_000);
    read();
    expect(await ended.promise).toBe(2 ** 20);
  });

  test("that take nothing of an answer are cut off", async () => {
    // The client asks and never reads, so what is written stays in the memory of the server.
    const clock = manualClock();
    const full = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    await using server = await serve((incoming, outgoing) => {
      watchSlowClient(incoming, outgoing, limits, clock);
      outgoing.on("error", () => undefined);
      outgoing.on("close", () => closed.resolve());
      const chunk = Buffer.alloc(2 ** 20);
      const fill = (): void => {
        for (let each = 0; each < 64; each += 1) outgoing.write(chunk);
        full.resolve();
      };
      incoming.resume();
      incoming.on("end", fill);
    });
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.pause();
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await full.promise;
    let isClosed = false;
    void closed.promise.then(() => (isClosed = true));
    for (let each = 0; each < 200 && !isClosed; each += 1) {
      clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed.promise;
    socket.destroy();
  });
});
