import { processIo } from "./frame/io.ts";
import { runCli } from "./run-cli.ts";

// What is left open, such as a pooled connection, must not keep a command that is done.
process.exit(await runCli(process.argv.slice(2), processIo()));
