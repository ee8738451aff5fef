import { type Command, InvalidArgumentError, Option } from "commander";
import type { Frame } from "../frame/frame.ts";
import type { ServeOptions } from "./settle-serve.ts";

/** Declares `serve`. */
export function registerServe(program: Command, frame: Frame): void {
  program
    .command("serve")
    .summary("serve the store over HTTP")
    .description(
      "Serves the store over HTTP until it is told to end: SIGTERM and SIGINT let requests under way " +
        "finish and exit with 0, a second one ends it at once; SIGHUP reads who may do what, limits and " +
        "the level of the log anew, and says what waits for a restart. Where it listens is printed to stderr. " +
        "The server part of the config says who may do what; without it anybody on this machine may " +
        "do all, and nobody else.",
    )
    .option("--host <address>", "the address to listen on, in place of the config's")
    .option("--port <number>", "the port, in place of the config's; 0 takes a free one", parsePort)
    .addOption(new Option("--tls-cert <file>", "a certificate chain, as PEM; speaks HTTPS"))
    .addOption(new Option("--tls-key <file>", "the key of the certificate, as PEM"))
    .action(
      frame.action<ServeOptions>(
        async (invocation, _args, options) => {
          // Loaded here alone: no other command should wait for a server.
          const { serve } = await import("./serve.ts");
          await serve(invocation, options);
        },
        { endsGracefully: true },
      ),
    );
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new InvalidArgumentError("It is a whole number from 0 to 65535.");
}
