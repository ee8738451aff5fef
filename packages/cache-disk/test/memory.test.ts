import { describe, expect, it } from "vitest";
import { cacheDirectory } from "./cache-directory.ts";
import { runChild } from "./child-process.ts";

describe("memory", () => {
  it("stays flat while half a gigabyte goes in and out", async () => {
    // A child with a heap of 64 MiB puts and reads a blob of 16 MiB, then one of 512 MiB, as a
    // stream of 64 KiB chunks. The most that it ever had resident may grow by 96 MiB, where
    // holding the blob would take 512.
    const directory = await cacheDirectory();
    const child = runChild("large-blob", directory.path);
    expect(await child.ended).toEqual({ status: 0, stderr: "" });
    const { small, large } = JSON.parse(child.lines[0] ?? "{}");
    expect(large - small).toBeLessThan(96 * 2 ** 20);
  });
});
