import assert from "node:assert/strict";
import { Posts } from "../../../websocket/posts.ts";
import { WebSocketSSE, type WebSocketSSEOptions } from "../../../websocket/sse.ts";
import { type Answer, type Asked, EventServer, Line } from "../../harness/clients/event_server.ts";
import { closed, heard, recorded, until } from "../../harness/clients/socket_history.ts";

const utf8 = new TextDecoder();
const taken = () => new Response(null, { status: 204 });

/** A server with one event stream, whose answers to messages the test decides. */
class Stage implements AsyncDisposable {
  readonly line: Line = new Line();
  readonly server: EventServer;
  readonly socket: WebSocketSSE;

  constructor(post: Answer, options: WebSocketSSEOptions = {}) {
    const lines = [this.line];
    this.server = new EventServer({
      GET: () => lines.pop()?.response ?? new Response(null, { status: 503 }),
      POST: post,
      DELETE: taken,
    });
    this.socket = new WebSocketSSE(this.server.url, [], options);
  }

  async open(details: Readonly<Record<string, unknown>> = {}): Promise<this> {
    this.line.open(details);
    await heard(this.socket, "open");
    return this;
  }

  /** Number and body of each message, in order of arrival. */
  get posts(): string[] {
    return this.server.by("POST").map(postOf);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.line.close(1000);
    if (this.socket.readyState !== WebSocketSSE.CLOSED) await closed(this.socket);
    await this.server[Symbol.asyncDispose]();
  }
}

function postOf({ headers, body }: Asked): string {
  return `${headers.get("onepeer-sequence")} ${utf8.decode(body)}`;
}

/** Returns a `fetch` that loses answers: the server gets the request, the client no answer. */
function losing(isLost: (post: string) => boolean): typeof fetch {
  let sequence = "";
  return async (input, init) => {
    const response = await fetch(input, init);
    if (init?.method !== "POST") return response;
    sequence = new Headers(init.headers).get("onepeer-sequence")!;
    if (!isLost(sequence)) return response;
    await response.body?.cancel();
    throw new TypeError("the answer was lost");
  };
}

Deno.test("WebSocketSSE reads only the beginning of the answer to a message, which may never end", async () => {
  let isCancelled = false;
  const endless = () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        cancel: () => void (isCancelled = true),
      }),
      { status: 413 },
    );
  await using stage = await new Stage(endless).open();
  stage.socket.send("a");
  assert.equal((await closed(stage.socket)).code, 1009);
  await until("the server's stream is cancelled", () => isCancelled);
});

Deno.test("WebSocketSSE posts messages one at a time, in the order of send(), with the bytes at the call", async () => {
  let underWay = 0;
  let most = 0;
  await using stage = await new Stage(async ({ headers }) => {
    most = Math.max(most, ++underWay);
    await new Promise((go) => setTimeout(go, headers.get("onepeer-sequence") === "1" ? 60 : 2));
    underWay--;
    return taken();
  }).open();
  const { socket } = stage;
  const bytes = new TextEncoder().encode("xabcx");
  socket.send("\ud800");
  socket.send(new Blob(["blob"]));
  socket.send(bytes.subarray(1, 4));
  socket.send(new DataView(bytes.buffer, 1, 1));
  socket.send(bytes.buffer);
  socket.send("");
  socket.send(new ArrayBuffer(0));
  bytes.fill(0);
  assert.equal(socket.bufferedAmount, 3 + 4 + 3 + 1 + 5);
  await until(
    "the server has accepted all messages",
    () => socket.bufferedAmount === 0 && stage.posts.length === 7,
  );
  await until("no request is pending", () => underWay === 0);
  assert.deepEqual(stage.posts, ["1 \ufffd", "2 blob", "3 abc", "4 a", "5 xabcx", "6 ", "7 "]);
  assert.equal(most, 1);
  const types = stage.server.by("POST").map(({ headers }) => headers.get("content-type"));
  const [text, binary] = ["text/plain;charset=utf-8", "application/octet-stream"];
  assert.deepEqual(types, [text, binary, binary, binary, binary, text, binary]);
});

Deno.test("WebSocketSSE repeats a message whose answer was lost, and takes a 409 as its delivery", async () => {
  const received: string[] = [];
  const losses = new Set(["1", "3"]);
  const post: Answer = (asked) => {
    const expected = received.length + 1;
    if (Number(asked.headers.get("onepeer-sequence")) !== expected) {
      const body = { code: "ERR_PEER_PROTOCOL", message: "not the next", expected };
      return Response.json(body, { status: 409 });
    }
    received.push(utf8.decode(asked.body));
    return taken();
  };
  const fetch = losing((sequence) => losses.delete(sequence));
  await using stage = await new Stage(post, { fetch }).open();
  for (const text of ["a", "b", "c", "d"]) stage.socket.send(text);
  await until("the server has accepted all messages", () => stage.socket.bufferedAmount === 0);
  assert.deepEqual(received, ["a", "b", "c", "d"]);
  assert.deepEqual(stage.posts, ["1 a", "1 a", "2 b", "3 c", "3 c", "4 d"]);
});

Deno.test("WebSocketSSE repeats a message after a temporary failure, with a delay", async () => {
  const statuses = [500, 502, 503, 504, 408, 425, 429, 200];
  await Promise.all(statuses.map(async (status) => {
    const answers = [status, status, 204];
    let isFirst = true;
    const begin = performance.now();
    await using stage = await new Stage(() => new Response(null, { status: answers.shift()! }), {
      fetch(input, init) {
        if (init?.method !== "POST" || !isFirst) return fetch(input, init);
        isFirst = false;
        return Promise.reject(new TypeError("the network is down"));
      },
    }).open();
    stage.socket.send("a");
    await until(
      `the server has accepted the message after ${status}`,
      () => stage.socket.bufferedAmount === 0,
    );
    assert.deepEqual(stage.posts, ["1 a", "1 a", "1 a"]);
    assert.ok(performance.now() - begin > 5, "the client did not delay its repetition");
  }));
});

Deno.test("WebSocketSSE does not repeat a message that the server received before the connection broke", async () => {
  const { promise: never, resolve: end } = Promise.withResolvers<Response>();
  const lines = [new Line().open(), new Line(1).resume(1)];
  const left = [...lines];
  await using server = new EventServer({
    GET: () => left.shift()!.response,
    POST: ({ headers }) => headers.get("onepeer-sequence") === "1" ? never : taken(),
  });
  const socket = new WebSocketSSE(server.url);
  await heard(socket, "open");
  socket.send("a");
  socket.send("b");
  await until("a has arrived", () => server.by("POST").length === 1);
  lines[0]!.cut();
  await until("the server has accepted b", () => socket.bufferedAmount === 0);
  assert.deepEqual(server.by("POST").map(postOf), ["1 a", "2 b"]);
  end(taken());
  lines[1]!.close(1000);
  await closed(socket);
});

Deno.test("Posts repeats a message without an answer as often as needed, and does not fail", async () => {
  const sent: number[] = [];
  const ended = new AbortController();
  const posts = new Posts({
    grace: 100,
    send(_, sequence, signal) {
      if (sent.push(sequence) === 5) return Promise.resolve(taken());
      return new Promise((_, reject) => signal.addEventListener("abort", reject));
    },
    closed() {},
    refused: (status) => assert.fail(`refused: ${status}`),
    failed: (reason) => assert.fail(reason),
  }, ended.signal);
  const begin = performance.now();
  // The timeout is 30 s and a millisecond for each byte; this size makes it 30 ms.
  posts.add({ method: "POST", type: "text/plain", body: new Uint8Array(), size: 30 - 30_000 });
  await until("the server has accepted the message", () => posts.bufferedAmount === 0);
  assert.deepEqual(sent, Array(5).fill(1));
  assert.ok(performance.now() - begin > 4 * 30, "the client did not delay its repetition");
});

Deno.test("WebSocketSSE repeats a message that is pending at the server, which delivers it once", async () => {
  const answers = [Response.json({ expected: 1 }, { status: 409 }), taken()];
  await using stage = await new Stage(() => answers.shift()!).open();
  stage.socket.send("a");
  await until("the server has accepted the message", () => stage.socket.bufferedAmount === 0);
  assert.deepEqual(stage.posts, ["1 a", "1 a"]);
});

Deno.test("WebSocketSSE closes after a permanent refusal, with the code that a WebSocket would get", async () => {
  for (const [status, code] of [[413, 1009], [415, 1003], [403, 1008], [404, 1008]] as const) {
    await using stage = await new Stage(() => new Response("no", { status })).open();
    const { socket, server } = stage;
    const events = recorded(socket);
    socket.send("a");
    socket.send("b");
    await until("the socket is closing", () => socket.readyState === WebSocketSSE.CLOSING);
    stage.line.event("on its way");
    const { reason, wasClean } = await closed(socket);
    assert.deepEqual(events, ["on its way", `close ${code}`]);
    assert.equal(reason, `The server answered a message with ${status}`);
    assert.equal(wasClean, true);
    assert.deepEqual(stage.posts, ["1 a"], "posts after the refused message");
    const [told] = server.by("DELETE").map(({ body }) => JSON.parse(utf8.decode(body)).code);
    assert.equal(told, code);
  }
});

Deno.test("WebSocketSSE names the server's code in the reason of the close", async () => {
  const refused = (code: string) => () => Response.json({ code, message: "" }, { status: 403 });
  for (
    const [post, close, code, reason] of [
      ["ERR_SSE_ORIGIN", taken, 1008, "The server answered a message with 403: ERR_SSE_ORIGIN"],
      [
        "ERR_SSE_SESSION",
        refused("ERR_SSE_SESSION"),
        1006,
        "The session is over: ERR_SSE_SESSION",
      ],
    ] as [string, Answer, number, string][]
  ) {
    const line = new Line();
    await using server = new EventServer({
      GET: () => line.open().response,
      POST: refused(post),
      DELETE: close,
    });
    const socket = new WebSocketSSE(server.url);
    await heard(socket, "open");
    socket.send("a");
    const ended = await closed(socket);
    assert.deepEqual([ended.code, ended.reason], [code, reason]);
  }
});

Deno.test("WebSocketSSE closes with 1006 if the server lost messages or is unreachable", async () => {
  const lost = () => Response.json({ expected: 1 }, { status: 409 });
  const ends: [string, Answer, string][] = [
    [
      "lost",
      ({ headers }) => headers.get("onepeer-sequence") === "1" ? taken() : lost(),
      "The server has lost messages",
    ],
    ["down", () => new Response(null, { status: 502 }), "Messages do not reach the server"],
  ];
  for (const [name, post, expected] of ends) {
    await using stage = await new Stage(post).open({ grace: 200 });
    const events = recorded(stage.socket);
    stage.socket.send("a");
    stage.socket.send("b");
    const { reason, wasClean } = await closed(stage.socket);
    assert.deepEqual([reason, wasClean], [expected, false], name);
    assert.deepEqual(events, ["error", "close 1006"], name);
  }
});

Deno.test("WebSocketSSE.close() waits for earlier messages", async () => {
  await using stage = await new Stage(async () => {
    await new Promise((go) => setTimeout(go, 30));
    return taken();
  }).open();
  for (const text of ["a", "b", "c"]) stage.socket.send(text);
  stage.socket.close();
  stage.socket.send("d");
  await until("the server got the close", () => stage.server.by("DELETE").length === 1);
  assert.deepEqual(stage.posts, ["1 a", "2 b", "3 c"]);
});

Deno.test("WebSocketSSE answers the server's close while its own close waits for a message", async () => {
  const { promise: never, resolve: end } = Promise.withResolvers<Response>();
  const line = new Line();
  await using server = new EventServer({ GET: () => line.open().response, POST: () => never });
  const socket = new WebSocketSSE(server.url);
  await heard(socket, "open");
  socket.send("a");
  await until("a has arrived", () => server.by("POST").length === 1);
  socket.close(1000, "ours");
  line.close(1000, "theirs");
  assert.deepEqual(await closed(socket), { code: 1000, reason: "theirs", wasClean: true });
  await until("the server got the close", () => server.by("DELETE").length === 1);
  assert.equal(utf8.decode(server.by("DELETE")[0]!.body), '{"code":1000,"reason":"theirs"}');
  end(taken());
});

Deno.test("WebSocketSSE sends headers and credentials with every request, and follows no redirect", async () => {
  const seen: RequestInit[] = [];
  await using stage = await new Stage(taken, {
    headers: { authorization: "Bearer x" },
    credentials: "include",
    fetch: (input, init) => {
      seen.push(init!);
      return fetch(input, init);
    },
  }).open();
  stage.socket.send("a");
  stage.socket.close();
  await closed(stage.socket);
  assert.deepEqual(stage.server.asked.map(({ method }) => method), ["GET", "POST", "DELETE"]);
  for (const { headers } of stage.server.asked) {
    assert.equal(headers.get("authorization"), "Bearer x");
  }
  for (const { credentials, redirect } of seen) {
    assert.deepEqual([credentials, redirect], ["include", "manual"]);
  }
  assert.deepEqual(seen.map(({ keepalive }) => keepalive ?? false), [false, false, true]);
});
