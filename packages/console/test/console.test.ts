import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, parseDigest } from "@bitstore/core";
import { mintToken } from "@bitstore/server";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "../../../test/services/open-browser.ts";
import { type ServedConsole, serveConsole } from "./served-console.ts";
import { visit as visitIn } from "./visit.ts";

// The page in a real browser, against a real server over tiers in memory. What a newcomer stumbled
// over stands in views.test.ts.

const browser: Browser | undefined = await openBrowser(process.env);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.skipIf(browser === undefined)("the console", { timeout: 120_000 }, () => {
  let served: ServedConsole;
  beforeAll(async () => {
    served = await serveConsole();
  });
  afterAll(async () => {
    await served[Symbol.asyncDispose]();
    await browser?.close();
  });

  const visit = (
    at: ServedConsole,
    fragment: string,
    work: (page: Page) => Promise<void>,
    options: BrowserContextOptions = {},
  ): Promise<void> => visitIn(browser, at, fragment, work, options);

  it("shows each tier with its role, health, hits and latency", async () => {
    const { digest } = await served.store.put(bytesOf("seen in the table"));
    await visit(served, "", async (page) => {
      await page.request.get(`${served.url}/v1/blobs/${digest}`);
      await page.reload();
      const row = page.getByRole("row", { name: /^ours/ });
      await row.waitFor();
      const text = await row.innerText();
      expect(text).toContain("origin");
      expect(text).toContain("up");
      expect(text).toMatch(/\d ms/);
      expect(await page.getByRole("row").count()).toBe(4);
    });
  });

  it("puts the files that are chosen, and leads to what the tiers say of them", async () => {
    const folder = await mkdtemp(join(tmpdir(), "bitstore-console-"));
    try {
      const file = join(folder, "hello.txt");
      await writeFile(file, "hello from the console");
      const digest = await digestOf(bytesOf("hello from the console"), "sha256");
      await visit(served, "#/blobs", async (page) => {
        await page.getByLabel("Drop files here").setInputFiles(file);
        const link = page.getByRole("list").getByRole("link");
        await link.waitFor();
        expect(await link.getAttribute("title")).toBe(digest);
        await link.click();
        await page.getByText("Found in ours").waitFor();
        const rows = await page.locator("table.waterfall tbody tr").allInnerTexts();
        expect(rows.map((row) => row.split(/\s+/).slice(0, 2).join(" "))).toEqual([
          "cache miss",
          "partner miss",
          "ours hit",
        ]);
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("link", { name: "Download" }).click(),
        ]);
        expect(download.suggestedFilename()).toBe(digest.replace(":", "-"));
      });
      expect(await served.store.durable(digest)).toEqual({ digest, size: 22 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("puts files that are dropped", async () => {
    const digest = await digestOf(bytesOf("dropped"), "sha256");
    await visit(served, "#/blobs", async (page) => {
      const data = await page.evaluateHandle(`(() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["dropped"], "dropped.txt"));
        return transfer;
      })()`);
      await page.dispatchEvent(".drop", "drop", { dataTransfer: data });
      const link = page.getByRole("list").getByRole("link");
      await link.waitFor();
      expect(await link.getAttribute("title")).toBe(digest);
    });
  });

  it("tells a blob that nobody has from one that nobody could answer for", async () => {
    const absent = await digestOf(bytesOf("never put"), "sha256");
    await visit(served, "#/blobs", async (page) => {
      await page.getByLabel("Digest").fill(absent.slice("sha256:".length));
      await page.getByRole("button", { name: "Explain" }).click();
      await page.getByText("Every tier answered that it is not here.").waitFor();
    });
    served.setSourceDown(true);
    try {
      await visit(served, `#/blobs/${encodeURIComponent(absent)}`, async (page) => {
        await page.getByText("No tier delivered it").waitFor();
        const row = page.getByRole("row", { name: /^partner/ });
        expect(await row.innerText()).toContain("UNAVAILABLE");
      });
    } finally {
      served.setSourceDown(false);
    }
  });

  it("leads from @tag to the tag", async () => {
    await visit(served, "#/blobs", async (page) => {
      await page.getByLabel("Digest").fill("@models/prod");
      await page.getByRole("button", { name: "Explain" }).click();
      await page.getByRole("heading", { name: "models/prod" }).waitFor();
    });
  });

  it("keeps its tables within a phone's width, digests in one line", async () => {
    const { digest } = await served.store.put(bytesOf("on a phone"));
    await served.tags.append("on-a-phone/with/a-long-name", digest);
    const viewport = { width: 390, height: 844 };
    const look = async (page: Page): Promise<void> => {
      const link = page.getByRole("row", { name: /on-a-phone/ }).locator("a.digest");
      await link.waitFor();
      expect((await link.boundingBox())?.height).toBeLessThan(30);
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
      expect(wide).toBeLessThanOrEqual(390);
    };
    await visit(served, "#/tags", look, { viewport });
  });

  it("says what is wrong with what was typed, and asks nothing", async () => {
    await visit(served, "#/blobs", async (page) => {
      await page.getByLabel("Digest").fill("models/prod");
      await page.getByRole("button", { name: "Explain" }).click();
      expect(await page.getByRole("alert").innerText()).toContain("no digest");
    });
  });

  it("shows a tag's history, follows it as it grows, and rolls it back", async () => {
    const one = await served.store.put(bytesOf("model one"));
    const two = await served.store.put(bytesOf("model two"));
    const tag = "models/prod";
    await served.tags.append(tag, one.digest, { reason: "the first" });
    await served.tags.append(tag, two.digest);
    await visit(served, "#/tags", async (page) => {
      await page.getByRole("link", { name: tag }).click();
      const entries = page.locator("ol.timeline > li");
      await entries.nth(1).waitFor();
      expect(await entries.nth(1).innerText()).toContain("the first");

      await served.tags.append(tag, two.digest, { reason: "while it is watched" });
      await page.getByText("while it is watched").waitFor();

      await page.getByRole("button", { name: "Roll back to 1" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Reason").fill("two was wrong");
      await dialog.getByRole("button", { name: "Roll back" }).click();
      await page.getByText("two was wrong").waitFor();
      expect(await entries.first().innerText()).toContain("rolled back");
    });
    const head = await served.tags.head(tag);
    expect(head).toMatchObject({ seq: 4, op: "restore", restored: 1, reason: "two was wrong" });
    expect(head?.target?.digest).toBe(one.digest);
  });

  it("refuses a rollback where somebody moved the tag meanwhile", async () => {
    const { digest } = await served.store.put(bytesOf("raced"));
    await served.tags.append("raced", digest);
    await served.tags.append("raced", digest);
    await visit(served, "#/tags/raced", async (page) => {
      await page.route("**/watch", (route) => route.abort());
      await page.reload();
      await page.getByRole("button", { name: "Roll back to 1" }).click();
      await served.tags.append("raced", digest);
      await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
      expect(await page.getByRole("alert").innerText()).toContain("PRECONDITION_FAILED");
    });
    expect((await served.tags.head("raced"))?.seq).toBe(3);
  });

  it("sets a new tag, and shows as text what a writer says", async () => {
    const { digest } = await served.store.put(bytesOf("<img src=x onerror=alert(1)>"));
    await visit(served, "#/tags", async (page) => {
      await page.getByLabel("Name", { exact: true }).fill("fresh");
      await page.getByLabel("Digest").fill(digest);
      await page.getByLabel("Reason").fill("<img src=x onerror=alert(1)>");
      await page.getByRole("button", { name: "Set" }).click();
      await page.getByText("<img src=x onerror=alert(1)>").waitFor();
      expect(await page.locator("img").count()).toBe(0);
    });
    expect((await served.tags.head("fresh"))?.target?.digest).toBe(parseDigest(digest));
  });

  it("works by keyboard alone: skips to the content, chooses a page, opens a tag", async () => {
    const { digest } = await served.store.put(bytesOf("by keyboard"));
    await served.tags.append("a-first", digest);
    await visit(served, "", async (page) => {
      await page.getByRole("heading", { name: "Tiers" }).waitFor();
      const focused = (): Promise<string> =>
        page.evaluate<string>(`document.activeElement?.textContent ?? ""`);
      await page.keyboard.press("Tab");
      expect(await focused()).toBe("Skip to content");
      for (const name of ["Tiers", "Blobs", "Tags"]) {
        await page.keyboard.press("Tab");
        expect(await focused()).toBe(name);
      }
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: "a-first" }).waitFor();
      await page.getByRole("link", { name: "a-first" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "a-first" }).waitFor();
    });
  });

  it("follows the system's theme", async () => {
    const papers = new Set<string>();
    for (const colorScheme of ["light", "dark"] as const) {
      const look = async (page: Page): Promise<void> => {
        papers.add(await page.evaluate<string>("getComputedStyle(document.body).backgroundColor"));
      };
      await visit(served, "", look, { colorScheme });
    }
    expect(papers.size).toBe(2);
  });

  it("asks for the token of a server that wants one, and uses it for all that it asks", async () => {
    const { token, hash } = mintToken();
    const closed = await serveConsole(hash);
    try {
      await visit(closed, "", async (page) => {
        await page.getByRole("alert").waitFor();
        expect(await page.getByRole("alert").innerText()).toContain("UNAUTHENTICATED");
        await page.getByText("This server wants a token.").waitFor();
        await page.getByLabel("Bearer token").fill(mintToken().token);
        await page.getByRole("button", { name: "Use" }).click();
        await page.getByText("The server does not take this token.").waitFor();
        await page.getByLabel("Bearer token").fill(token);
        await page.getByRole("button", { name: "Use" }).click();
        await page.getByRole("row", { name: /^ours/ }).waitFor();
        await page.goto(`${closed.url}/#/blobs`);
        await page
          .getByLabel("Drop files here")
          .setInputFiles({ name: "a", mimeType: "text/plain", buffer: Buffer.from("secret") });
        await page.getByRole("list").getByRole("link").click();
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("button", { name: "Download" }).click(),
        ]);
        expect(download.suggestedFilename()).toMatch(/^sha256-/);
      });
    } finally {
      await closed[Symbol.asyncDispose]();
    }
  });
});
