import { registerHooks } from "node:module";

// Preloaded by a child process: changes the sources as MUTANT says while they are loaded, so that the
// tests run over code with one mistake in it. A place that is not there once is an error.
interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const edits: readonly Edit[] = JSON.parse(process.env["MUTANT"] ?? "[]");
const open = new Set(edits);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const own = edits.filter(({ file }) => url.endsWith(`/write-back/src/${file}`));
    if (own.length === 0) return loaded;
    let source = Buffer.from(loaded.source as Uint8Array).toString();
    for (const edit of own) {
      if (source.split(edit.find).length !== 2) throw new Error(`not found once: ${edit.find}`);
      source = source.replace(edit.find, () => edit.replace);
      open.delete(edit);
    }
    return { ...loaded, source };
  },
});

process.on("exit", () => {
  for (const { file } of open) process.stderr.write(`never loaded: ${file}\n`);
  if (open.size > 0) process.exitCode = 9;
});
