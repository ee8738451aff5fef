import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { Io } from "../../src/frame/io.ts";
import { runCli } from "../../src/run-cli.ts";

/** What a command printed, and its status. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd: string;
  readonly env?: Io["env"];
  readonly input?: string;
}

/** Runs a command line in this process, which takes a fraction of the time of one of its own. */
export async function runHere(args: readonly string[], around: Surroundings): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const printed = Promise.all([buffer(stdout), buffer(stderr)]);
  const status = await runCli(args, {
    stdin: Readable.from([Buffer.from(around.input ?? "")]),
    stdout,
    stderr,
    env: around.env ?? {},
    cwd: around.cwd,
    onSignal: () => () => undefined,
    onHangUp: () => () => undefined,
    end: () => undefined,
  });
  stdout.end();
  stderr.end();
  const [out, errors] = await printed;
  return { status, stdout: out.toString(), stderr: errors.toString() };
}
