import { gcsBucket } from "@bitstore/bucket-gcs";
import { expect, test } from "vitest";
import { json, refuse, scriptedServer } from "./scripted-server.ts";

// A service whose clock is decades off, as a real HTTP server: its answers tell the time, those that
// are refusals as well, and nothing is asked for it.

test("every answer tells the time, also a refusal", async () => {
  await using server = await scriptedServer((_, response) => {
    const at = server.seen.length;
    response.setHeader("date", new Date(Date.UTC(2000 + at, 0)).toUTCString());
    if (at === 1) refuse(response, 403);
    else json(response, 200, { kind: "storage#objects", items: [] });
  });
  await using bucket = gcsBucket({ bucket: "b", endpoint: server.endpoint, environment: {} });
  expect(bucket.serviceTime()).toBeUndefined();
  await expect(bucket.head("key")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect(bucket.serviceTime()?.getUTCFullYear()).toBe(2001);
  for await (const { key } of bucket.list("")) expect.fail(`nothing is there, not ${key}`);
  expect(bucket.serviceTime()?.getUTCFullYear()).toBe(2002);
  expect(server.seen).toHaveLength(2);
});
