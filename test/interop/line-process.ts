import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A child that answers each line of JSON with one line of JSON, in order. */
export interface LineProcess extends AsyncDisposable {
  /** Resolves to the answer; rejects where the child has ended, with what it wrote to stderr. */
  ask(question: unknown): Promise<unknown>;
}

/** Starts such a child with exactly the environment that is given. */
export function lineProcess(
  command: string,
  commandArguments: readonly string[],
  environment: Readonly<Record<string, string>>,
): LineProcess {
  const child = spawn(command, [...commandArguments], { env: environment });
  const complaints: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints.push(text);
    if (complaints.length > 50) complaints.shift();
  });
  child.stdin.on("error", () => undefined);
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let turn: Promise<unknown> = Promise.resolve();

  async function answer(question: unknown): Promise<unknown> {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const line = await lines.next();
    if (line.done !== true) return JSON.parse(line.value);
    await ended;
    throw new Error(`${command} has ended\n${complaints.join("")}`);
  }
  return {
    ask(question) {
      const asked = turn.then(() => answer(question));
      turn = asked.catch(() => undefined);
      return asked;
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      child.kill();
      await ended;
    },
  };
}
