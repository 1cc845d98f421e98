/** The client for SSE, and a browser's own `EventSource`, in Chromium. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import { build, stop } from "esbuild";
import type { Browser, Page } from "playwright-core";
import sseAdapter, { type SSEOptions } from "../adapters/sse.ts";
import type { WebSocketSSE as Client } from "../websocket/sse.ts";
import { browserTest, launch, sayIfSkipped } from "./harness/clients/browser.ts";
import { type ProxyManners, ReverseProxy } from "./harness/clients/reverse_proxy.ts";
import { until } from "./harness/clients/socket_history.ts";

sayIfSkipped("the client for SSE");

/** Globals of the page. */
declare const client: { readonly WebSocketSSE: typeof Client };
declare const heard: unknown[];

/** A server, a proxy before it, and one of its pages in a browser. */
class Scene implements AsyncDisposable {
  readonly page: Page;
  readonly proxy: ReverseProxy;
  /** Messages on the console of the page. */
  readonly console: string[] = [];
  readonly #browser: Browser;
  readonly #end: () => Promise<void>;

  private constructor(page: Page, proxy: ReverseProxy, browser: Browser, end: () => Promise<void>) {
    this.page = page;
    this.proxy = proxy;
    this.#browser = browser;
    this.#end = end;
    page.on("console", (message) => this.console.push(`${message.type()} ${message.text()}`));
  }

  static async set(options: SSEOptions, manners: ProxyManners = {}): Promise<Scene> {
    const script = await bundle();
    const sse = sseAdapter(options);
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request, info) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/events") return sse.fetch(request, info);
        const [type, body] = pathname === "/client.js"
          ? ["text/javascript", script]
          : ["text/html", "<!doctype html><script src=/client.js></script>"];
        return new Response(body, { headers: { "content-type": type! } });
      },
    );
    const proxy = await ReverseProxy.start(server.addr.port, manners);
    const browser = await launch();
    const page = await browser.newPage();
    await page.goto(proxy.url);
    return new Scene(page, proxy, browser, async () => {
      await sse.close({ timeout: 1_000 });
      await server.shutdown();
    });
  }

  /** Returns the contents of `heard` in the page. */
  get heard(): Promise<unknown[]> {
    return this.page.evaluate(() => heard);
  }

  /** Requests for events that the proxy saw. */
  get gets(): string[] {
    return this.proxy.passed.filter(({ headers }) => headers.accept === "text/event-stream")
      .map(({ headers }) => String(headers["last-event-id"] ?? "new").replace(/.*\./, ""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await this.proxy[Symbol.asyncDispose]();
    await this.#end();
  }
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [new URL("../websocket/sse.ts", import.meta.url).pathname],
    bundle: true,
    format: "iife",
    globalName: "client",
    write: false,
  });
  await stop(); // the child process of esbuild would keep this process alive
  return outputFiles[0]!.text;
}

/** Waits until `heard` in the page equals the expected values. */
async function hears(scene: Scene, expected: readonly unknown[]): Promise<void> {
  let last: unknown[] = [];
  for (let i = 0; i < 400 && last.length < expected.length; i++) {
    last = await scene.heard;
    await new Promise((go) => setTimeout(go, 20));
  }
  assert.deepEqual(last, expected);
}

browserTest("a bare EventSource gets messages, resumes, and stops after a close", async () => {
  const peers: { send(data: string): unknown; close(code: number, reason: string): void }[] = [];
  await using scene = await Scene.set({ hooks: { open: (peer) => void peers.push(peer) } });
  await scene.page.evaluate(() => {
    Object.assign(globalThis, { heard: [] });
    const source = new EventSource("/events");
    source.addEventListener("open", () => heard.push("open"), { once: true });
    source.onmessage = ({ data }) => heard.push(data);
    source.addEventListener("close", ({ data }) => heard.push(JSON.parse(data)));
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) heard.push("stopped");
    };
  });
  await until("a peer", () => peers.length === 1);
  const [peer] = peers;
  peer!.send("one\ntwo");
  await hears(scene, ["open", "one\ntwo"]);
  scene.proxy.cut();
  peer!.send("three");
  await hears(scene, ["open", "one\ntwo", "three"]);
  peer!.close(4000, "enough");
  await hears(scene, ["open", "one\ntwo", "three", { code: 4000, reason: "enough" }, "stopped"]);
  assert.equal(peers.length, 1, "number of sessions");
  assert.equal(scene.gets.at(-1), "closed");
  const { length } = scene.gets;
  await scene.page.waitForTimeout(4_000); // Chromium reconnects after three seconds
  assert.equal(scene.gets.length, length, "the EventSource reconnected after the close");
});

for (const buffers of ["body", "all"] as const) {
  browserTest(
    `the client detects a buffering proxy (${buffers}), warns and falls back to polling`,
    async () => {
      const heartbeat = 1500; // a busy machine may be half a heartbeat late
      const said: string[] = [];
      let opened = 0;
      await using scene = await Scene.set({
        heartbeat,
        hooks: {
          open(peer) {
            opened++;
            peer.send("welcome");
          },
          message(peer, message) {
            said.push(message.text());
            peer.send(`echo ${message.text()}`);
          },
        },
      }, { buffers });
      await scene.page.evaluate((heartbeat) => {
        Object.assign(globalThis, { heard: [] });
        const begin = performance.now();
        const socket = new client.WebSocketSSE("/events", [], {
          heartbeat,
          onBuffering: () => heard.push(Math.round((performance.now() - begin) / heartbeat)),
        });
        socket.onopen = () => socket.send("1");
        socket.onmessage = ({ data }) => {
          heard.push(data);
          if (data === "echo 1") setTimeout(() => socket.send("2"), 1.5 * heartbeat); // polls in between
          if (data === "echo 2") socket.close(3000, "done");
        };
        socket.onclose = ({ code, wasClean }) => heard.push(code, wasClean);
      }, heartbeat);
      await hears(scene, ["welcome", 2, "echo 1", "echo 2", 3000, true]); // after two heartbeats
      assert.deepEqual(said, ["1", "2"]);
      // Without the response headers the client has no session token, so the server sees two
      // sessions.
      assert.equal(opened, buffers === "body" ? 1 : 2);
      const warnings = scene.console.filter((line) => line.startsWith("warning"));
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, /a proxy before .* buffers/);
    },
  );
}

browserTest("a page of another origin gets events if allowedOrigins admits it", async () => {
  await using scene = await Scene.set({});
  const { origin } = new URL(scene.proxy.url);
  for (const allowedOrigins of [[origin], ["https://a.example"]]) {
    const cookies: (string | null)[] = [];
    const sse = sseAdapter({
      allowedOrigins,
      hooks: {
        upgrade({ headers }) {
          cookies.push(headers.get("cookie"));
          return { headers: { "set-cookie": "seen=1; SameSite=Lax" } };
        },
        message: (peer, message) => void peer.send(message),
      },
    });
    const other = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request, info) => sse.fetch(request, info),
    );
    const url = `ws://127.0.0.1:${other.addr.port}/events`;
    const told = await scene.page.evaluate(async (url) => {
      const told: unknown[] = [];
      for (let i = 0; i < 2; i++) {
        const socket = new client.WebSocketSSE(url, [], { credentials: "include" });
        socket.onopen = () => socket.send("hello");
        socket.onmessage = ({ data }) => {
          told.push(data);
          socket.close(3000);
        };
        await new Promise<void>((resolve) => {
          socket.onclose = ({ code }) => {
            told.push(code);
            resolve();
          };
        });
      }
      return told;
    }, url);
    const isAdmitted = allowedOrigins.includes(origin);
    assert.deepEqual(told, isAdmitted ? ["hello", 3000, "hello", 3000] : [1006, 1006]);
    if (isAdmitted) assert.deepEqual(cookies, [null, "seen=1"]);
    await sse.close({ timeout: 500 });
    await other.shutdown();
  }
});
