/** The chat on a Durable Object that loses its memory: real pages, real workerd. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { ServerProcess } from "./harness/processes/server_process.ts";
import { TimeLimit } from "./harness/time_limit.ts";
import { exampleCommand } from "./harness/processes/workerd_example.ts";

const WAIT = 8_000;
const executablePath = [
  Deno.env.get("CHROMIUM"),
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find(isFile);
const command = await exampleCommand();

Deno.test({
  name: "chat on Cloudflare: pages keep chatting after their Durable Object lost its memory",
  ignore: executablePath === undefined || command === undefined,
  async fn() {
    await using server = await ServerProcess.start(command!);
    const url = `http://127.0.0.1:${server.port}/`;
    const evict = async () => await (await fetch(`${url}evict`)).text();
    const browser = await chromium.launch({
      executablePath: executablePath!,
      chromiumSandbox: false,
    });
    const problems: string[] = [];
    try {
      const enter = async (name: string, room = "lobby") =>
        await openPage(await browser.newContext(), `${url}room/${room}`, name, problems);
      const [ada, bo] = [await enter("Ada"), await enter("Bo")];
      await seen(ada, "#people", /Ada\s*you[^]*Bo/);
      await seen(bo, "#live-peers", /^2$/);
      await evict();
      await say(ada, "do you hear me?");
      await heard(bo, ["do you hear me?"]);
      await evict();
      await bo.locator("#draft").pressSequentially("I d");
      await seen(ada, "#typing", /^Bo is typing…$/);
      await evict();
      await bo.locator("#draft").fill("I do");
      await bo.locator("#draft").press("Enter");
      await heard(ada, ["do you hear me?", "I do"]);
      await evict();
      await bo.locator("#name").fill("Bo Diddley");
      await bo.locator("#name").press("Enter");
      await seen(ada, "#people", /Bo Diddley/);
      await evict();
      const cy = await enter("Cy");
      await heard(cy, ["do you hear me?", "I do"]);
      await seen(cy, "#people", /Cy\s*you[^]*Ada[^]*Bo Diddley/);
      const eve = await enter("Eve", "elsewhere");
      await seen(eve, "#rooms", /lobby\s*3/);
      await evict();
      await say(cy, "so do I");
      for (const page of [ada, bo, cy]) await heard(page, ["do you hear me?", "I do", "so do I"]);
      await heard(eve, []);
      // Bo is away, misses numbered messages, and comes back to an object that has lost its memory.
      await bo.context().setOffline(true);
      await seen(bo, "#state", /reconnecting in/);
      const numbered = Array.from({ length: 5 }, (_, i) => `${i + 1}`);
      for (const number of numbered) await say(cy, number);
      const all = ["do you hear me?", "I do", "so do I", ...numbered];
      await heard(ada, all);
      await evict();
      await bo.context().setOffline(false);
      for (const page of [ada, bo, cy]) await heard(page, all);
      await seen(bo, "#lines", /5 messages while you were away/);
      await evict();
      await bo.close();
      await seen(ada, "#people", /^(?![^]*Bo Diddley)/);
      await seen(ada, "#rooms", /lobby\s*2/);
      const shot = Deno.env.get("SCREENSHOT");
      if (shot) await ada.screenshot({ path: shot });
      assert.deepEqual(problems, [], "the browser's console has warnings or errors");
    } finally {
      await browser.close();
    }
  },
});

async function openPage(
  context: BrowserContext,
  url: string,
  name: string,
  problems: string[],
): Promise<Page> {
  context.setDefaultTimeout(WAIT);
  await context.addInitScript((name) => localStorage.setItem("chat.name", name), name);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (/ERR_INTERNET_DISCONNECTED/.test(message.text())) return; // the page was offline
    if (["error", "warning"].includes(message.type())) problems.push(`${name}: ${message.text()}`);
  });
  page.on("pageerror", (error) => void problems.push(`${name}: ${error}`));
  await page.goto(url);
  await page.locator('#state[data-state="connected"]').waitFor();
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator("#draft").fill(text);
  await page.locator("#draft").press("Enter");
}

/** Waits until an element's text matches. */
function seen(page: Page, selector: string, pattern: RegExp): Promise<void> {
  return until(async () => {
    const text = (await page.locator(selector).textContent() ?? "").trim();
    return pattern.test(text) || `${selector} is ${JSON.stringify(text)}, not ${pattern}`;
  });
}

/** Waits until a page shows exactly these lines. */
function heard(page: Page, lines: readonly string[]): Promise<void> {
  const expected = JSON.stringify(lines);
  return until(async () => {
    const shown = JSON.stringify(await page.locator("#lines .line-text").allTextContents());
    return shown === expected || `the page shows ${shown}, not ${expected}`;
  });
}

async function until(condition: () => Promise<true | string>): Promise<void> {
  const limit = new TimeLimit(WAIT);
  for (;;) {
    const result = await condition();
    if (result === true) return;
    if (limit.isOver) assert.fail(result);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

function isFile(place: string | undefined): boolean {
  try {
    return place !== undefined && Deno.statSync(place).isFile;
  } catch {
    return false;
  }
}
