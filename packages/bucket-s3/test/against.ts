import type { Server } from "node:net";
import type { Bucket } from "@bitstore/core";
import { expect } from "vitest";
import { s3Bucket, type S3BucketOptions } from "../src/index.ts";
import { listening, type Script, scriptedServer, type ScriptedServer } from "./scripted-server.ts";

/** A bucket, and the server that it is on. */
export interface Rig {
  readonly bucket: Bucket;
  readonly server: ScriptedServer;
}

const opened: AsyncDisposable[] = [];

/** Opens a bucket against a server; {@link disposeAll} closes both. */
export async function against(
  script: Script | Server,
  options: Partial<S3BucketOptions> = {},
): Promise<Rig> {
  const server = await (typeof script === "function" ? scriptedServer(script) : listening(script));
  const bucket = s3Bucket({
    bucket: "weather",
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: [{ accessKeyId: "id", secretAccessKey: "secret" }],
    ...options,
  });
  opened.push(server, bucket);
  return { bucket, server };
}

/** Closes what was opened, the last first. */
export async function disposeAll(): Promise<void> {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
}

/** Also closes this with the rest. */
export function alsoDispose(each: AsyncDisposable): void {
  opened.push(each);
}

/** Waits until something holds that has no event to wait for. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !holds(); turn += 1) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  expect(holds(), what).toBe(true);
}
