import { type Browser, chromium } from "playwright-core";
import { findOnPath } from "./find-on-path.ts";

// A browser that asks nobody but the page under test: what it would fetch for itself is off.
const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Starts the machine's own Chromium. Resolves to undefined, and says so, where there is none; rejects
 * then if `BITSTORE_TEST_REQUIRE` names it.
 */
export async function openBrowser(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Browser | undefined> {
  const path = environment["PATH"];
  const executablePath = findOnPath("chromium", path) ?? findOnPath("google-chrome", path);
  if (executablePath !== undefined) return await chromium.launch({ executablePath, args: quiet });
  const required = environment["BITSTORE_TEST_REQUIRE"]?.split(",") ?? [];
  if (required.includes("chromium")) {
    throw new Error("BITSTORE_TEST_REQUIRE names chromium, which is not on PATH");
  }
  process.stderr.write("tests in a browser are skipped: no chromium on PATH\n");
  return undefined;
}
