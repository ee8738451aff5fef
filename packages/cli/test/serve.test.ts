import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testCertificate } from "../../../test/services/certificate.ts";
import { openPlace, type Place, type Running } from "./support/run-bitstore.ts";
import { serving } from "./support/serving.ts";

// `serve` as it is started by a person or a service manager: a process, a URL on stderr, signals.

let place: Place;
beforeEach(async () => {
  place = await openPlace();
});
afterEach(() => place[Symbol.asyncDispose]());

async function listening({ child, ended }: Running): Promise<string> {
  if (child.stderr === null) throw new Error("stderr is not piped");
  const lines = createInterface(child.stderr);
  const gone = ended.then(({ stderr }) => {
    throw new Error(stderr);
  });
  const [line] = (await Promise.race([once(lines, "line"), gone])) as [string];
  const url = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
  if (url === undefined) throw new Error(line);
  return url;
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "serves the embedded default until %s, and exits with 0",
  async (signal) => {
    const running = place.start(["serve", "--port", "0"]);
    const url = await listening(running);
    const put = await fetch(`${url}/v1/blobs`, { method: "POST", body: "hello" });
    const { digest } = (await put.json()) as { digest: string };
    const tagged = await fetch(`${url}/v1/tags/t`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ digest }),
    });
    expect(tagged.status).toBe(201);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    running.child.kill(signal);
    expect(await running.ended).toMatchObject({ status: 0, stdout: "" });
    // What was put over HTTP is in the store of the folder.
    const got = await place.run(["get", "@t"]);
    expect(got).toMatchObject({ status: 0, stdout: "hello" });
  },
);

test("a second signal ends it at once, whatever is under way", async () => {
  const running = place.start(["serve", "--port", "0"]);
  const url = await listening(running);
  const held = fetch(`${url}/v1/blobs`, {
    method: "POST",
    duplex: "half",
    body: (async function* () {
      yield Buffer.from("never ends");
      await new Promise(() => undefined);
    })() as unknown as string,
  }).catch(() => undefined);
  while (((await (await fetch(`${url}/v1/blobs`)).json()) as { blobs: [] }).blobs.length > 0);
  running.child.kill("SIGTERM");
  // It takes no more, so the first signal has been heard.
  while (
    await fetch(`${url}/livez`).then(
      () => true,
      () => false,
    )
  );
  running.child.kill("SIGTERM");
  const { status, signal } = await running.ended;
  expect([status, signal]).not.toContain(0);
  await held;
});

test("says what is wrong with its config, or where it can't listen", async () => {
  const open = await place.run(["serve", "--host", "0.0.0.0", "--port", "0"]);
  expect(open).toMatchObject({ status: 2 });
  expect(open.stderr).toContain("without authentication");
  const half = await place.run(["serve", "--tls-cert", "cert.pem"]);
  expect(half).toMatchObject({ status: 2 });
  const running = place.start(["serve", "--port", "0"]);
  const { port } = new URL(await listening(running));
  const taken = await place.run(["serve", "--port", port]);
  expect(taken).toMatchObject({ status: 2 });
  expect(taken.stderr).toContain("another process listens there");
  running.child.kill("SIGTERM");
  await running.ended;
});

test("names the files of a certificate and a key that are no pair", async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await writeFile(place.path("cert.pem"), testCertificate.cert);
  await writeFile(place.path("key.pem"), testCertificate.key);
  await writeFile(place.path("other.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  const args = ["serve", "--port", "0", "--tls-cert", "cert.pem", "--tls-key"];
  const wrong = await place.run([...args, "other.pem"]);
  expect(wrong).toMatchObject({ status: 2, stdout: "" });
  expect(wrong.stderr).toMatch(/^bitstore: listen server\.tls: .*other\.pem.*cert\.pem/);
  expect(wrong.stderr).not.toContain("hint:");
  // What runs has its pair already: that the files are another one by now is told, and no more.
  const running = place.start([...args, "key.pem"]);
  const { line } = await serving(running);
  await writeFile(place.path("key.pem"), "");
  const said = line(/^reloaded/);
  running.child.kill("SIGHUP");
  expect(await said).toContain("a restart is needed for server.tls");
  running.child.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ status: 0 });
});
