import { mintToken } from "@bitstore/server";
import type { Browser, Page, Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "../../../test/services/open-browser.ts";
import { type ServedConsole, serveConsole } from "./served-console.ts";
import { visit } from "./visit.ts";

// What somebody meets who opens the page for the first time: on a phone, by keyboard, with a token
// for a few tags, with an entry of a tag in hand. In a real browser, against a real server.

const browser: Browser | undefined = await openBrowser(process.env);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const phone = { viewport: { width: 360, height: 800 } };

describe.skipIf(browser === undefined)("the console's views", { timeout: 120_000 }, () => {
  let served: ServedConsole;
  beforeAll(async () => {
    served = await serveConsole();
  });
  afterAll(async () => {
    await served[Symbol.asyncDispose]();
    await browser?.close();
  });

  const focused = (page: Page): Promise<string> =>
    page.evaluate<string>(
      `document.activeElement.tagName + " " + document.activeElement.innerText`,
    );

  /** The texts of the cells of which a part lies outside of the window. */
  const cutOff = (page: Page): Promise<string[]> =>
    page.evaluate<string[]>(`[...document.querySelectorAll("tbody th, td")].filter((cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      return [cell.getBoundingClientRect(), range.getBoundingClientRect()].some(
        ({ left, right }) => left < 0 || right > document.documentElement.clientWidth,
      );
    }).map((cell) => cell.innerText)`);

  it("shows every cell within a phone's width, each with its label", async () => {
    const { digest } = await served.store.put(bytesOf("on a phone"));
    await served.tags.append(`phone/${"a".repeat(69)}`, digest);
    const views = [
      { fragment: "#/tiers", row: /^ours/, labels: ["Role", "Health", "Hit rate", "p95"] },
      { fragment: "#/tags", row: /^phone/, labels: ["Blob", "Sequence", "Set", "By"] },
      { fragment: `#/blobs/${digest}`, row: /^cache/, labels: ["Said", "Took", "When"] },
    ];
    for (const { fragment, row, labels } of views) {
      const look = async (page: Page): Promise<void> => {
        await page.getByRole("row", { name: row }).waitFor();
        expect(await cutOff(page)).toEqual([]);
        const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
        expect(wide).toBe(phone.viewport.width);
        for (const label of labels) {
          const shown = await page.evaluate<string[]>(`
            [...document.querySelectorAll('td[data-label="${label}"]')].map((cell) =>
              getComputedStyle(cell, "::before").content)`);
          expect(new Set(shown)).toEqual(new Set([`"${label}"`]));
          expect(await page.getByRole("columnheader", { name: label }).count()).toBe(1);
        }
      };
      await visit(browser, served, fragment, look, phone);
    }
  });

  it("leaves the other columns in sight beside a long name", async () => {
    const { digest } = await served.store.put(bytesOf("a long name"));
    await served.tags.append(`long/${"b".repeat(70)}`, digest);
    const look = async (page: Page): Promise<void> => {
      await page.getByRole("row", { name: /^long/ }).waitFor();
      expect(await cutOff(page)).toEqual([]);
    };
    await visit(browser, served, "#/tags", look, { viewport: { width: 1100, height: 800 } });
  });

  it("puts headings straight above their cells", async () => {
    const { digest } = await served.store.put(bytesOf("straight"));
    await served.tags.append("straight", digest);
    await visit(browser, served, "#/tags", async (page) => {
      await page.getByRole("row", { name: /^straight/ }).waitFor();
      const lefts = await page.evaluate<number[][]>(`["thead", "tbody"].map((part) =>
        [...document.querySelector(part + " tr").children].map((cell) => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          return range.getBoundingClientRect().left;
        }))`);
      const [heads = [], cells = []] = lefts;
      for (const at of [0, 1, 4, 5]) expect(cells[at]).toBeCloseTo(heads[at] ?? -1, 1);
    });
  });

  it("moves the focus to the heading of the view that comes, and names it in the title", async () => {
    const { digest } = await served.store.put(bytesOf("focus"));
    await served.tags.append("focus/here", digest);
    await served.tags.append("focus/here", digest);
    await visit(browser, served, "#/tags", async (page) => {
      await page.getByRole("link", { name: "focus/here" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "focus/here" }).waitFor();
      await expect.poll(() => focused(page)).toBe("H1 focus/here");
      expect(await page.title()).toBe("focus/here · bitstore");

      await page.getByRole("button", { name: "Roll back to 1" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").getByLabel("Reason").fill("by keyboard");
      await page.keyboard.press("Enter");
      await page.getByText("by keyboard").waitFor();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      expect(await focused(page)).toBe("BUTTON Roll back to 1");
    });
  });

  it("moves the focus to the view's heading once a token is used", async () => {
    const { token, hash } = mintToken();
    const closed = await serveConsole(hash);
    try {
      await visit(browser, closed, "", async (page) => {
        await page.getByLabel("Bearer token").fill(token);
        await page.keyboard.press("Enter");
        await page.getByRole("row", { name: /^ours/ }).waitFor();
        expect(await focused(page)).toBe("H1 Tiers");
      });
    } finally {
      await closed[Symbol.asyncDispose]();
    }
  });

  it("looks up one entry of a tag, and what the tiers say of what it names", async () => {
    const one = await served.store.put(bytesOf("entry one"));
    const two = await served.store.put(bytesOf("entry two"));
    await served.tags.append("builds/1", one.digest, { reason: "the first build" });
    await served.tags.append("builds/1", two.digest);
    await visit(browser, served, "#/blobs", async (page) => {
      await page.getByLabel("Digest").fill("@builds/1@1");
      await page.getByRole("button", { name: "Explain" }).click();
      await page.getByRole("heading", { name: "Entry 1 of builds/1" }).waitFor();
      await page.getByRole("heading", { name: one.digest }).waitFor();
      await page.getByText("the first build").waitFor();
      await page.getByText("Found in ours").waitFor();
      expect(new URL(page.url()).hash).toBe("#/blobs/%40builds%2F1%401");
      expect(await focused(page)).toBe("H2 Entry 1 of builds/1");
      await page.getByLabel("Digest").fill("@builds/1@9");
      await page.getByRole("button", { name: "Explain" }).click();
      expect(await page.getByRole("alert").innerText()).toContain("NOT_FOUND");
    });
  });

  it("names in its address nothing that was looked up before a malformed digest", async () => {
    const { digest } = await served.store.put(bytesOf("before"));
    await visit(browser, served, `#/blobs/${encodeURIComponent(digest)}`, async (page) => {
      await page.getByText("Found in ours").waitFor();
      await page.getByLabel("Digest").fill("sha256:no");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").waitFor();
      expect(new URL(page.url()).hash).toBe("#/blobs");
      await page.goBack();
      await page.getByText("Found in ours").waitFor();
      expect(await page.getByLabel("Digest").inputValue()).toBe(digest);
    });
  });

  it("tells who is confined to tags what is open to them", async () => {
    const { token, hash } = mintToken();
    const closed = await serveConsole(hash, ["team"]);
    const { digest } = await closed.store.put(bytesOf("of the team"));
    await closed.tags.append("team/app", digest);
    try {
      await visit(browser, closed, "", async (page) => {
        await page.getByLabel("Bearer token").fill(token);
        await page.keyboard.press("Enter");
        const said = page.getByRole("alert");
        await said.getByText("@TAG@SEQ").waitFor();
        await page.getByRole("link", { name: "Tags" }).click();
        await page.getByRole("heading", { name: "Tags", exact: true }).waitFor();
        await said.getByRole("link", { name: "Blobs" }).click();
        await page.getByLabel("Digest").fill("@team/app");
        await page.keyboard.press("Enter");
        await page.locator("ol.timeline a.digest").click();
        await said.getByText("confined to tags").waitFor();
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("button", { name: "Download" }).click(),
        ]);
        expect(download.suggestedFilename()).toBe(digest.replace(":", "-"));
        await page.getByLabel("Digest").fill("@others/app@1");
        await page.keyboard.press("Enter");
        await said.getByText("under none of the prefixes").waitFor();
      });
    } finally {
      await closed[Symbol.asyncDispose]();
    }
  });

  it("says no colon before a message that names nothing", async () => {
    await visit(browser, served, "#/blobs", async (page) => {
      const detail = ': "bad name" is no tag';
      await page.route("**/v1/tags/**", (route: Route) =>
        route.fulfill({ status: 400, json: { code: "INVALID_ARGUMENT", detail } }),
      );
      await page.getByLabel("Digest").fill("@bad name");
      await page.keyboard.press("Enter");
      const said = await page.getByRole("alert").innerText();
      expect(said).toBe('INVALID_ARGUMENT: "bad name" is no tag');
    });
  });

  it("calls a tier that is being tried again recovering, as readiness does", async () => {
    await visit(browser, served, "#/blobs", async (page) => {
      const tier = {
        name: "slow",
        store: "memory:",
        role: "source",
        origin: true,
        readOnly: false,
      };
      const health = { recent: { requests: 9, failures: 9 }, breaker: { state: "half-open" } };
      const tiers = [{ ...tier, hits: 0, misses: 0, failures: 9, health }];
      await page.route("**/v1/tiers", (route: Route) => route.fulfill({ json: { tiers } }));
      await page.getByRole("link", { name: "Tiers" }).click();
      await page.getByRole("row", { name: /^slow/ }).getByText("recovering").waitFor();
    });
  });

  it("shows what an entry says of its blob, in the history and as it comes", async () => {
    const { digest } = await served.store.put(bytesOf("annotated"));
    await served.tags.append("annotated", digest);
    await served.tags.annotate("annotated", { stage: "canary" });
    await visit(browser, served, "#/tags/annotated", async (page) => {
      await page.getByRole("definition").getByText("canary").waitFor();
      await served.tags.annotate("annotated", { stage: "stable" });
      await page.getByRole("definition").getByText("stable").waitFor();
    });
  });
});
