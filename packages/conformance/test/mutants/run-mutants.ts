import { fileURLToPath } from "node:url";
import { startVitest } from "vitest/node";

// Runs the suites over the mutants in a runner of its own, and writes its JSON report to the file
// that is named on the command line. The mutants fail, which is the point.

const [outputFile = ""] = process.argv.slice(2);
const root = fileURLToPath(new URL("../../../..", import.meta.url));
const conditions = ["@bitstore/source", "node", "import", "module", "default"];

const vitest = await startVitest(
  "test",
  [],
  {
    root,
    config: false,
    watch: false,
    include: ["packages/conformance/test/mutants/*.mutants.ts"],
    setupFiles: [fileURLToPath(new URL("./skip-caught.ts", import.meta.url))],
    reporters: ["json"],
    outputFile,
    testTimeout: 60_000,
    // A mutant may leave rejections behind that nobody awaits; they are not what is counted.
    dangerouslyIgnoreUnhandledErrors: true,
  },
  {
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: conditions } },
  },
);
await vitest.close();
process.exitCode = 0;
