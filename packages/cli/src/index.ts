export { type Io, processIo } from "./frame/io.ts";
export { runCli } from "./run-cli.ts";
