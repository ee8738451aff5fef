import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { loadConfig } from "@bitstore/config";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const pages = globSync(["README.md", "docs/*.md", "packages/*/README.md"], { cwd: root }).sort();

interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => ({
    page,
    line: text.slice(0, match.index).split("\n").length + 1,
    language: match[1] ?? "",
    code: match[2] ?? "",
  }));
}

/** An installation and a run of everything are what `.ci/run` does; here they would run themselves. */
const isGate = ({ code }: Block): boolean => /^npm (ci|install)\b/m.test(code);
/** What wants a cloud or a secret says so in its first line; it is compiled with the rest, not run. */
const isFar = ({ code }: Block): boolean => /^(\/\/|#) [Nn]eeds /.test(code);

const blocks = pages.flatMap(blocksOf).filter((block) => !isGate(block));
const titled = (language: string): (readonly [string, Block])[] =>
  blocks
    .filter((block) => block.language === language && !isFar(block))
    .map((block) => [`${block.page}:${block.line}`, block] as const);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bitstore-docs-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const env = {
  PATH: [dirname(process.execPath), join(root, "node_modules", ".bin"), process.env["PATH"]].join(
    ":",
  ),
  HOME: process.env["HOME"] ?? "",
  NO_COLOR: "1",
};

describe("what the documents show", () => {
  test("is there", () => {
    expect(blocks.filter(({ language }) => language === "sh").length).toBeGreaterThan(0);
    expect(blocks.filter(({ language }) => language === "ts").length).toBeGreaterThan(0);
    expect(blocks.filter(({ language }) => language === "yaml").length).toBeGreaterThan(0);
  });

  // Each in an empty folder of the built workspace, line by line, ending at the first that fails.
  test.each(titled("sh"))("%s runs in a shell", async (_, { code }) => {
    const cwd = mkdtempSync(join(folder, "sh-"));
    await run("bash", ["-euo", "pipefail", "-c", code], { cwd, env });
  });

  test.each(titled("ts"))("%s runs", async (_, { code }) => {
    const cwd = mkdtempSync(join(folder, "ts-"));
    const file = join(cwd, "block.mts");
    writeFileSync(file, code);
    const { stderr } = await run(process.execPath, ["--conditions=@bitstore/source", file], {
      cwd,
      env,
    });
    expect(stderr).toBe("");
  });

  // All of them, also those that are not run: a name or an option that is wrong does not compile.
  test("compiles", async () => {
    const cwd = mkdtempSync(join(folder, "compile-"));
    const examples = blocks.filter(({ language }) => language === "ts");
    for (const { page, line, code } of examples) {
      writeFileSync(join(cwd, `${page.replaceAll("/", "-")}-${line}.mts`), code);
    }
    const options = {
      extends: join(root, "tsconfig.test.json"),
      compilerOptions: { noImplicitAny: false, noUnusedLocals: false, types: ["node"] },
      include: ["*.mts"],
    };
    writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify(options));
    const { stdout } = await run(join(root, "node_modules", ".bin", "tsc"), ["-p", cwd], {
      cwd,
      env,
    }).catch((error: unknown) => error as { stdout: string });
    expect(stdout).toBe("");
  });

  test.each(titled("yaml"))("%s is a config", async (_, { code }) => {
    const cwd = mkdtempSync(join(folder, "yaml-"));
    writeFileSync(join(cwd, "bitstore.yaml"), code);
    const config = await loadConfig({ cwd, env: {} });
    expect(config.tiers.length).toBeGreaterThan(0);
  });
});
