import { expect, it } from "vitest";
import { azureBucket } from "../src/index.ts";
import { answerBytes, answerError, answerList, stubService } from "./stub-service.ts";

// A service whose clock is decades off, as a real HTTP server: its answers tell the time, those that
// are refusals as well, and nothing is asked for it.

it("tells the time by every answer, also a miss, a refusal and a list", async () => {
  await using service = await stubService((asked, response) => {
    const at = service.asked.length;
    response.setHeader("date", new Date(Date.UTC(2000 + at, 0)).toUTCString());
    if (at === 1) answerError(asked, response, 404, "BlobNotFound");
    else if (at === 2) answerError(asked, response, 403, "AuthorizationPermissionMismatch");
    else if (at === 3) answerBytes(response, Buffer.from("blob"));
    else answerList(response, ["key"]);
  });
  const { endpoint } = service;
  const bucket = azureBucket({ container: "box", endpoint, anonymous: true, environment: {} });
  const year = (): number | undefined => bucket.serviceTime()?.getUTCFullYear();
  expect(year()).toBeUndefined();
  expect(await bucket.head("key")).toBeUndefined();
  expect(year()).toBe(2001);
  await expect(bucket.head("key")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect(year()).toBe(2002);
  await (await bucket.read("key"))?.bytes();
  expect(year()).toBe(2003);
  for await (const { key } of bucket.list("")) expect(key).toBe("key");
  expect(year()).toBe(2004);
  expect(service.asked).toHaveLength(4);
});
