import type { Command } from "commander";
import { isStoreError } from "@bitstore/core";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { parseEnd } from "../input/parse-moment.ts";

interface TokenOptions {
  readonly name: string;
  readonly scope: readonly string[];
  readonly namespace?: string;
  readonly tagPrefix?: readonly string[];
  readonly expires?: string;
}

const scopes: readonly string[] = ["read", "write", "delete", "tag", "admin"];

/** Declares `token` and `token create`. */
export function registerToken(program: Command, frame: Frame): void {
  const token = program
    .command("token")
    .summary("make tokens for the clients of a server")
    .description("Makes tokens, by which clients say to a server who they are.");
  token
    .command("create")
    .summary("make a token, and the lines of the config that let it in")
    .description(
      "Prints a new token, once: nothing keeps it. Below it are the lines for server.auth.tokens in " +
        "the config of the server, which hold its hash alone. The token is given to its client, as " +
        "$BITSTORE_TOKEN or in the header Authorization: Bearer TOKEN. To withdraw it, delete its " +
        "lines. With --tag-prefix its holder reads and writes blobs through those tags alone.",
    )
    .requiredOption("--name <name>", "who it is for, as the audit log and the tags will say")
    .requiredOption(
      "--scope <scopes>",
      "read, write, delete, tag or admin; several with commas, or repeated",
      addWords,
    )
    .option("--namespace <name>", "the namespace that it is for (default)")
    .option(
      "--tag-prefix <prefix>",
      "confine it to this tag and those below it (repeatable)",
      addWord,
    )
    .option(
      "--expires <date>",
      "when it ends, such as 2999-01-31, or 90d for in ninety days; never, if left out",
    )
    .action(frame.action<TokenOptions>(createToken));
}

async function createToken(
  { output }: Invocation,
  _args: readonly string[],
  { name, scope, namespace, tagPrefix, expires }: TokenOptions,
): Promise<void> {
  const until = expires === undefined ? undefined : parseEnd(expires, Date.now()).toISOString();
  const unknown = scope.find((each) => !scopes.includes(each));
  if (unknown !== undefined) {
    throw badUsage(
      `${JSON.stringify(unknown.slice(0, 80))} is no scope: they are ${scopes.join(", ")}`,
      "bitstore token create --name ci --scope read,write",
    );
  }
  const { mintToken, parseAccess } = await import("@bitstore/server");
  const { token, hash } = mintToken();
  const entry = {
    name,
    hash,
    scopes: [...new Set(scope)],
    ...(namespace === undefined ? {} : { namespace }),
    ...(tagPrefix === undefined ? {} : { tagPrefixes: tagPrefix }),
    ...(until === undefined ? {} : { expires: until }),
  };
  const namespaces = namespace === undefined || namespace === "default" ? {} : { [namespace]: {} };
  try {
    parseAccess({ auth: { tokens: [entry] }, namespaces }, "127.0.0.1");
  } catch (error) {
    if (!isStoreError(error)) throw error;
    throw badUsage(error.detail, "bitstore token create --name ci --scope read,write");
  }
  await output.result(
    { token, entry },
    token,
    "# server.auth.tokens, in the config of the server:",
    `- ${JSON.stringify(entry)}`,
  );
}

function addWords(text: string, words: readonly string[] = []): readonly string[] {
  return [...words, ...text.split(",").map((word) => word.trim())];
}

function addWord(text: string, words: readonly string[] = []): readonly string[] {
  return [...words, text];
}
