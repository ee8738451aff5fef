import type { Command } from "commander";
import { registerAudit } from "./commands/audit.ts";
import { registerCache } from "./commands/cache.ts";
import { registerCompletion } from "./commands/completion.ts";
import { registerCp } from "./commands/cp.ts";
import { registerExplain } from "./commands/explain.ts";
import { registerGet } from "./commands/get.ts";
import { registerHas } from "./commands/has.ts";
import { registerInit } from "./commands/init.ts";
import { registerJournal } from "./commands/journal.ts";
import { registerLs } from "./commands/ls.ts";
import { registerPut } from "./commands/put.ts";
import { registerRm } from "./commands/rm.ts";
import { registerStat } from "./commands/stat.ts";
import { registerToken } from "./commands/token.ts";
import { registerVerify } from "./commands/verify.ts";
import { registerDemo } from "./demo/demo-command.ts";
import { registerDoctor } from "./doctor/doctor-command.ts";
import { registerFetch } from "./fetch/fetch-command.ts";
import type { Frame } from "./frame/frame.ts";
import { registerGc } from "./gc/gc-command.ts";
import { registerServe } from "./serve/serve-command.ts";
import { registerTag } from "./tags/tag-command.ts";
import { readVersion } from "./version.ts";

/**
 * Declares the whole command line below the global options. The reference and the completion scripts
 * are made from what is declared here, and from nothing else.
 */
export function declareProgram(program: Command, frame: Frame): void {
  program
    .description("One content-addressed store over S3, GCS, Azure Blob, directories and APIs.")
    .usage("[options] <command>")
    .version(readVersion(), "-V, --version", "print the version");
  program.commandsGroup("Blobs:");
  registerPut(program, frame);
  registerGet(program, frame);
  registerFetch(program, frame);
  registerHas(program, frame);
  registerStat(program, frame);
  registerExplain(program, frame);
  registerLs(program, frame);
  registerRm(program, frame);
  program.commandsGroup("Tags:");
  registerTag(program, frame);
  program.commandsGroup("Stores:");
  registerCp(program, frame);
  registerVerify(program, frame);
  registerCache(program, frame);
  registerJournal(program, frame);
  registerGc(program, frame);
  registerDoctor(program, frame);
  program.commandsGroup("Server:");
  registerServe(program, frame);
  registerToken(program, frame);
  registerAudit(program, frame);
  program.commandsGroup("Getting started:");
  registerInit(program, frame);
  registerDemo(program, frame);
  registerCompletion(program, frame);
}
