import { Argument, type Command } from "commander";
import { bashCompletion } from "../completion/bash.ts";
import { fishCompletion } from "../completion/fish.ts";
import { zshCompletion } from "../completion/zsh.ts";
import type { Frame } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { type CommandShape, shapeOf } from "../shape/command-shape.ts";

const shells: ReadonlyMap<string, (program: CommandShape) => string> = new Map([
  ["bash", bashCompletion],
  ["zsh", zshCompletion],
  ["fish", fishCompletion],
]);

/** Declares `completion`. */
export function registerCompletion(program: Command, frame: Frame): void {
  program
    .command("completion")
    .summary("print the completion script of a shell")
    .description(
      "Prints a script that completes commands, options and their values.\n\n" +
        "  bash  source <(bitstore completion bash)\n" +
        "  zsh   bitstore completion zsh > ~/.zfunc/_bitstore, with ~/.zfunc in $fpath\n" +
        "  fish  bitstore completion fish > ~/.config/fish/completions/bitstore.fish",
    )
    .addArgument(new Argument("<shell>", "the shell").choices([...shells.keys()]))
    .action(
      frame.action(async ({ settings, output }, [shell = ""]) => {
        if (settings.json) throw badUsage("a script is no JSON", "leave --json out");
        await output.lines(shells.get(shell)?.(shapeOf(program)) ?? "");
      }),
    );
}
