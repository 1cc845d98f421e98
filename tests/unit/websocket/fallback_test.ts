import assert from "node:assert/strict";
import denoAdapter from "../../../adapters/deno.ts";
import sseAdapter from "../../../adapters/sse.ts";
import { createEndpoint } from "../../../mod.ts";
import { fallback } from "../../../websocket/sse.ts";
import { closed, heard, recorded, until } from "../../harness/clients/socket_history.ts";
import { stopwatch } from "../../harness/time_limit.ts";

/** Answer to a request for a WebSocket. */
type Upgrade = "taken" | "refused" | "unanswered";

/** A server that echoes over both transports, and records requests. */
class FallbackServer implements AsyncDisposable {
  /** Transport of each attempt: `websocket` or `sse`. */
  readonly asked: string[] = [];
  /** Events of the hooks. */
  readonly hooks: string[] = [];
  /** Number of requests without an answer whose client has left. */
  abandoned = 0;
  readonly endpoint = createEndpoint({
    hooks: {
      open: () => void this.hooks.push("open"),
      message: (peer, message) => void peer.send(message),
      close: (_, { code }) => void this.hooks.push(`close ${code}`),
    },
  });
  readonly #ws = denoAdapter({ endpoint: this.endpoint });
  readonly #sse = sseAdapter({ endpoint: this.endpoint });
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #upgrade: Upgrade;
  readonly #hasSSE: boolean;

  constructor(upgrade: Upgrade, hasSSE = true) {
    this.#upgrade = upgrade;
    this.#hasSSE = hasSSE;
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request, info) => this.#answer(request, info),
    );
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#server.addr.port}/chat`;
  }

  #answer(request: Request, info: Deno.ServeHandlerInfo): Response | Promise<Response> {
    if (!request.headers.has("upgrade")) {
      if (request.method === "GET") this.asked.push("sse");
      return this.#hasSSE ? this.#sse.fetch(request, info) : new Response("no", { status: 404 });
    }
    this.asked.push("websocket");
    if (this.#upgrade === "taken") return this.#ws.handleUpgrade(request, info);
    if (this.#upgrade === "refused") return new Response("no", { status: 403 });
    return new Promise((answer) => {
      request.signal.addEventListener("abort", () => {
        this.abandoned++;
        answer(new Response(null));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint.close({ timeout: 1_000 });
    await this.#server.shutdown();
  }
}

Deno.test("fallback() uses a WebSocket if the server accepts it, and sends no other request", async () => {
  await using server = new FallbackServer("taken");
  const socket = fallback(server.url);
  const events = recorded(socket);
  assert.throws(() => socket.send("early"), { name: "InvalidStateError" });
  await heard(socket, "open");
  assert.deepEqual([socket.transport, socket.readyState, socket.url], ["websocket", 1, server.url]);
  socket.send("a");
  socket.send("b");
  await until("both echoes have arrived", () => events.length === 3);
  socket.close(3000, "bye");
  assert.deepEqual(await closed(socket), { code: 3000, reason: "bye", wasClean: true });
  assert.deepEqual(events, ["open", "a", "b", "close 3000"]);
  assert.deepEqual(server.asked, ["websocket"]);
});

for (const upgrade of ["refused", "unanswered"] as const) {
  Deno.test(`fallback() uses SSE if the WebSocket is ${upgrade}, with one peer and each message once`, async () => {
    await using server = new FallbackServer(upgrade);
    const begin = performance.now(), counted = stopwatch();
    const socket = fallback(server.url, [], { timeout: 200 });
    socket.binaryType = "arraybuffer";
    const events = recorded(socket);
    await heard(socket, "open");
    const took = performance.now() - begin, most = counted();
    assert.ok(upgrade === "unanswered" ? took >= 190 : most < 190, `it took ${took} ms`);
    assert.equal(socket.transport, "sse");
    socket.send("a");
    socket.send(new Uint8Array([1]));
    await until("both echoes have arrived", () => events.length === 3);
    assert.ok(events[2] instanceof ArrayBuffer);
    assert.deepEqual(server.hooks, ["open"]);
    await until(
      "no request is pending",
      () => server.abandoned === (upgrade === "unanswered" ? 1 : 0),
    );
    socket.close(3000);
    await closed(socket);
    assert.deepEqual([events[0], events[1], events.slice(3)], ["open", "a", ["close 3000"]]);
    assert.deepEqual(server.asked, ["websocket", "sse"]);
    await until("the hook", () => server.hooks.length === 2);
    assert.deepEqual(server.hooks, ["open", "close 3000"]);
  });
}

Deno.test("fallback() waits for the WebSocket as long as it takes if the timeout is Infinity", async () => {
  await using server = new FallbackServer("taken");
  const socket = fallback(server.url, [], { timeout: Infinity });
  await heard(socket, "open");
  assert.equal(socket.transport, "websocket");
  assert.deepEqual(server.asked, ["websocket"]);
  socket.close();
  await closed(socket);
});

Deno.test("fallback() does not fall back once the WebSocket was open", async () => {
  await using server = new FallbackServer("taken");
  const socket = fallback(server.url, [], { timeout: 100 });
  const events = recorded(socket);
  await heard(socket, "open");
  await new Promise((go) => setTimeout(go, 150)); // longer than the timeout of the open
  for (const peers of server.endpoint.peers.values()) for (const peer of peers) peer.terminate();
  await closed(socket);
  assert.equal(events[0], "open");
  assert.equal(events.filter((event) => String(event).startsWith("close")).length, 1);
  assert.deepEqual(server.asked, ["websocket"]);
  assert.equal(socket.readyState, socket.CLOSED);
});

Deno.test("fallback() fails once if both transports fail", async () => {
  await using server = new FallbackServer("refused", false);
  const socket = fallback(server.url);
  const events = recorded(socket);
  assert.equal((await closed(socket)).code, 1006);
  assert.deepEqual(events, ["error", "close 1006"]);
  assert.deepEqual(server.asked, ["websocket", "sse"]);
});

Deno.test("fallback() makes no more attempts after close()", async () => {
  await using server = new FallbackServer("unanswered");
  const socket = fallback(server.url, [], { timeout: 100 });
  await until("the server got a request", () => server.asked.length === 1);
  assert.throws(() => socket.close(1001), { name: "InvalidAccessError" });
  socket.close();
  assert.equal((await closed(socket)).code, 1006);
  await new Promise((go) => setTimeout(go, 150));
  assert.deepEqual(server.asked, ["websocket"]);
});

Deno.test("fallback() uses SSE at once on a runtime without WebSocket", async () => {
  await using server = new FallbackServer("taken");
  const { WebSocket } = globalThis;
  Reflect.deleteProperty(globalThis, "WebSocket"); // as on Node 20
  try {
    const socket = fallback(server.url);
    await heard(socket, "open");
    assert.equal(socket.transport, "sse");
    socket.close();
    assert.deepEqual(await closed(socket), { code: 1005, reason: "", wasClean: true });
    assert.deepEqual(server.asked, ["sse"]);
  } finally {
    globalThis.WebSocket = WebSocket;
  }
});

Deno.test("fallback() throws at the call for arguments that neither transport accepts", () => {
  assert.throws(() => fallback("ftp://a.example"), { name: "SyntaxError" });
  assert.throws(() => fallback("ws://a.example", ["a", "a"]), { name: "SyntaxError" });
});
