#!/usr/bin/env node
// Plain JavaScript, committed, and older than any syntax that the rest of the package uses: it has
// to start on the Node that is there, and to be there before anything is built.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
const main = new URL("../dist/main.js", import.meta.url);

if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `bitstore: it needs Node 22.19 or newer, this is ${process.versions.node} (${process.execPath})\n` +
      "hint: run it as `npx bitstore`, which takes the Node that is installed beside it\n",
  );
  process.exitCode = 1;
} else if (!existsSync(fileURLToPath(main))) {
  process.stderr.write("bitstore: it is not built yet\nhint: npm run build\n");
  process.exitCode = 1;
} else {
  // Node 22 warns of its own database, which is no news for whoever runs a command.
  const { emitWarning } = process;
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === "object" ? rest[0]?.type : rest[0];
    if (type !== "ExperimentalWarning") Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  await import(main.href);
}
