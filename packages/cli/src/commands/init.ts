import { open } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { hinted } from "../frame/hinted.ts";
import { systemCode, toStoreError } from "../frame/system-error.ts";
import { configTemplate } from "./config-template.ts";

/** Declares `init`. */
export function registerInit(program: Command, frame: Frame): void {
  program
    .command("init")
    .summary("write a config with every setting explained")
    .description(
      "Writes bitstore.yaml, or the file that --config names: what holds without a config, and the " +
        "other settings as comments. A file that is there is never overwritten (exit 5).",
    )
    .action(frame.action(init));
}

async function init({ io, settings, output }: Invocation): Promise<void> {
  const name = settings.config ?? "bitstore.yaml";
  const path = resolve(io.cwd, name);
  try {
    await using file = await open(path, "wx");
    await file.writeFile(configTemplate);
    await file.sync();
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw toStoreError(error, "init", name);
    throw hinted({
      code: "PRECONDITION_FAILED",
      operation: "init",
      subject: name,
      message: "it is there already, and is not overwritten",
      hint: "move it away, or name another file with --config FILE",
    });
  }
  await output.result({ file: path }, `wrote ${escapeControls(name)}`);
}
