/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { TimeLimit } from "../time_limit.ts";
import { browserTest, launch } from "./browser.ts";
import { type ChatKind, ChatServer } from "./chat_server.ts";

const WAIT = 8_000;
/** Messages of a browser about connections that fail or break. */
const REFUSAL =
  /ERR_(?:CONNECTION_(?:REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|INTERNET_DISCONNECTED|INCOMPLETE_CHUNKED_ENCODING)|closed before|Unexpected response code|status of 409/;

/** Registers a test of the chat in a browser. */
export function test(
  name: string,
  play: (stage: Stage) => Promise<void>,
  kind: ChatKind = "deno",
): void {
  browserTest(name, async () => {
    await using stage = await Stage.set(kind);
    await play(stage);
  });
}

/** A chat server and a browser for one test, which ends both. */
export class Stage implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #contexts: BrowserContext[] = [];
  readonly #problems: string[] = [];
  #server: ChatServer;
  #refusalsExpected = false;

  private constructor(server: ChatServer, browser: Browser) {
    this.#server = server;
    this.#browser = browser;
  }

  /** @param sync URL of a broker between the nodes. */
  static async set(kind: ChatKind, sync?: string): Promise<Stage> {
    const starting = ChatServer.start(kind, 0, sync);
    const [server, browser] = await Promise.allSettled([starting, launch()]);
    // If one fails to start, the other must not keep running.
    if (server.status === "rejected") {
      if (browser.status === "fulfilled") await browser.value.close();
      throw server.reason;
    }
    if (browser.status === "rejected") {
      await server.value.end("SIGTERM");
      throw browser.reason;
    }
    return new Stage(server.value, browser.value);
  }

  /** URL of the first node. */
  get url(): string {
    return this.#server.url;
  }

  /** URL of each node. */
  get urls(): readonly string[] {
    return this.#server.urls;
  }

  /**
   * Opens the page of a room as a user.
   *
   * @param through URL of a proxy or of another node, to which the page connects.
   */
  async enter(
    name: string,
    room = "lobby",
    options: BrowserContextOptions = {},
    through: string = this.url,
  ): Promise<Page> {
    const context = await this.#browser.newContext(options);
    this.#contexts.push(context);
    context.setDefaultTimeout(WAIT);
    await context.addInitScript((name) => {
      if (localStorage.getItem("chat.name") === null) localStorage.setItem("chat.name", name);
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI}`);
      });
    }, name);
    const page = await context.newPage();
    page.on("console", (message) => {
      if (REFUSAL.test(message.text()) && this.#refusalsExpected) return;
      if (["error", "warning"].includes(message.type())) {
        this.#problems.push(`${name}: ${message.text()}`);
      }
    });
    page.on("pageerror", (error) => void this.#problems.push(`${name}: ${error}`));
    await page.goto(`${through}room/${room}`);
    await connected(page);
    return page;
  }

  /** Allows messages of the browser about refused connections from now on. */
  expectRefusals(): void {
    this.#refusalsExpected = true;
  }

  kill(): Promise<void> {
    return this.#server.end("SIGKILL");
  }

  /** Kills one node of several. It starts again a second later. */
  killNode(index: number): void {
    Deno.kill(this.#server.pids[index]!, "SIGKILL");
  }

  async restart(runtime: "deno" | "node"): Promise<void> {
    this.#server = await ChatServer.start(runtime, Number(new URL(this.url).port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const context of this.#contexts) await context.close();
      await this.#browser.close();
    } finally {
      await this.#server.end("SIGTERM");
    }
    assert.deepEqual(this.#problems, [], "the browser's console has warnings or errors");
  }
}

/** Waits until a page has entered its room. */
export async function connected(page: Page): Promise<void> {
  await page.locator('#state[data-state="connected"]').waitFor();
  await page.locator("#people li").first().waitFor({ state: "attached" });
}

/** Sends a message from a page. */
export async function say(page: Page, text: string): Promise<void> {
  await page.locator("#draft").fill(text);
  await page.locator("#draft").press("Enter");
}

/** Waits until an element's text matches. */
export function seen(page: Page, selector: string, pattern: RegExp): Promise<void> {
  return until(async () => {
    const text = (await page.locator(selector).textContent() ?? "").trim();
    return pattern.test(text) || `${selector} is ${JSON.stringify(text)}, not ${pattern}`;
  });
}

/** Waits until an element's text no longer matches. */
export function gone(page: Page, selector: string, pattern: RegExp): Promise<void> {
  return until(async () => {
    const text = await page.locator(selector).textContent() ?? "";
    return !pattern.test(text) || `${selector} still has ${pattern}: ${JSON.stringify(text)}`;
  });
}

/** Waits until a page shows exactly these messages. */
export async function heard(page: Page, lines: readonly string[]): Promise<void> {
  const expected = JSON.stringify(lines);
  await until(async () => {
    const shown = JSON.stringify(await page.locator("#lines .line-text").allTextContents());
    return shown === expected || `the page shows ${shown}, not ${expected}`;
  });
}

/** Waits until a condition holds. */
export async function until(condition: () => Promise<true | string>): Promise<void> {
  const limit = new TimeLimit(WAIT);
  while (true) {
    const result = await condition();
    if (result === true) return;
    if (limit.isOver) assert.fail(result);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}
