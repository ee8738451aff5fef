import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

// A suite is worth what it catches. Buckets and stores with one mistake each are run through it in
// a runner of their own, and each must fail at least one case.

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

it("every mutant fails a case of its suite", { timeout: 600_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "bitstore-mutants-"));
  const outputFile = join(folder, "report.json");
  const script = fileURLToPath(new URL("./mutants/run-mutants.ts", import.meta.url));
  const child = spawn(process.execPath, [script, outputFile], { stdio: "ignore" });
  await once(child, "close");
  const report: Report = JSON.parse(await readFile(outputFile, "utf8"));
  await rm(folder, { recursive: true });

  const caught = new Map<string, string[]>();
  for (const { assertionResults } of report.testResults) {
    for (const { ancestorTitles, title, status } of assertionResults) {
      const [mutant = ""] = ancestorTitles;
      const cases = caught.get(mutant) ?? [];
      if (status === "failed") cases.push(title);
      caught.set(mutant, cases);
    }
  }
  expect(caught.size).toBeGreaterThan(40);
  const survivors = [...caught].filter(([, cases]) => cases.length === 0).map(([name]) => name);
  expect(survivors).toEqual([]);
});
