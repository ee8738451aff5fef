import { defineConfig } from "vitest/config";

// Tests run from the sources: this condition comes before "default" in every package's exports.
const source = "@bitstore/source";

export default defineConfig({
  resolve: { conditions: [source, "node", "import", "default"] },
  ssr: {
    resolve: {
      conditions: [source, "node", "import", "default"],
      externalConditions: [source, "node", "import"],
    },
  },
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["./test/services/global-setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
    // Vitest keeps a core for itself; the suites wait for services often enough to share it.
    maxWorkers: "100%",
  },
});
