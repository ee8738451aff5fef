import { afterEach, expect, test } from "vitest";
import { against, disposeAll } from "./against.ts";
import { answerError, answerObject } from "./scripted-server.ts";

// A service whose clock is decades off, as a real HTTP server: its answers tell the time, those that
// are refusals as well, and nothing is asked for it.

afterEach(disposeAll);

const bytes = new Uint8Array(10);

test("every answer tells the time, also a miss and a refusal", async () => {
  const answers = [404, 403, 200];
  const { bucket, server } = await against((_, answer, at) => {
    answer.setHeader("date", new Date(Date.UTC(2001 + at, 0)).toUTCString());
    const status = answers[at] ?? 200;
    if (status === 200) answerObject(answer, bytes);
    else answerError(answer, status, status === 404 ? "NoSuchKey" : "AccessDenied");
  });
  expect(bucket.serviceTime()).toBeUndefined();
  expect(await bucket.read("key")).toBeUndefined();
  expect(bucket.serviceTime()?.getUTCFullYear()).toBe(2001);
  await expect(bucket.read("key")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect(bucket.serviceTime()?.getUTCFullYear()).toBe(2002);
  await (await bucket.read("key"))?.bytes();
  expect(bucket.serviceTime()?.getUTCFullYear()).toBe(2003);
  expect(server.requests).toHaveLength(3);
});
