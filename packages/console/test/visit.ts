import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import type { ServedConsole } from "./served-console.ts";

/**
 * Opens the page in a context of its own and works with it. Whatever the page logs as an error, asks
 * of another host, or is refused by its own policy, fails the test that saw it.
 */
export async function visit(
  browser: Browser | undefined,
  { url }: ServedConsole,
  fragment: string,
  work: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  if (browser === undefined) throw new Error("there is no browser");
  const context = await browser.newContext(options);
  const complaints: string[] = [];
  try {
    const page = await context.newPage();
    page.on("console", (said) => {
      // The browser itself reports every answer of 4xx and 5xx, which tests provoke.
      const isAnswer = said.text().startsWith("Failed to load resource");
      if (said.type() === "error" && !isAnswer) complaints.push(said.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(url)) complaints.push(`it asked ${request.url()}`);
    });
    await page.goto(`${url}/${fragment}`);
    await work(page);
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
}
