import assert from "node:assert/strict";
import { WebSocketSSE } from "../../../websocket/sse.ts";
import { EventServer, Line } from "../../harness/clients/event_server.ts";
import { closed, heard, until } from "../../harness/clients/socket_history.ts";

Deno.test("WebSocketSSE connects, sends and closes like a WebSocket", async () => {
  const line = new Line();
  await using server = new EventServer({
    GET: () => line.open({ protocol: "b" }).response,
    DELETE: () => (line.close(4000, "bye"), new Response(null, { status: 204 })),
  });
  const socket = new WebSocketSSE(server.url, ["a", "b"]);
  assert.equal(socket.url, server.url.replace("http", "ws"));
  assert.throws(() => socket.send("early"), { name: "InvalidStateError" });
  await heard(socket, "open");
  assert.deepEqual([socket.readyState, socket.protocol, socket.extensions], [1, "b", ""]);

  socket.send("ö");
  socket.send(new Uint8Array([0, 255]).subarray(1));
  assert.equal(socket.bufferedAmount, 3);
  socket.close(4000, "bye");
  assert.equal(socket.readyState, WebSocketSSE.CLOSING);
  assert.deepEqual(await closed(socket), { code: 4000, reason: "bye", wasClean: true });
  assert.deepEqual(
    server.asked.map(({ method, headers, body }) => [
      method,
      headers.get("onepeer-session"),
      headers.get("onepeer-sequence"),
      headers.get("content-type"),
      method === "DELETE" ? new TextDecoder().decode(body) : [...body],
    ]),
    [
      ["GET", null, null, null, []],
      ["POST", "t", "1", "text/plain;charset=utf-8", [...new TextEncoder().encode("ö")]],
      ["POST", "t", "2", "application/octet-stream", [255]],
      ["DELETE", "t", null, "application/json", '{"code":4000,"reason":"bye"}'],
    ],
  );
  assert.equal(server.asked[0]!.headers.get("onepeer-protocols"), "a, b");
});

Deno.test("WebSocketSSE accepts URLs of four schemes, and shows them like a WebSocket", async () => {
  await using server = new EventServer({});
  const { host } = new URL(server.url);
  for (const scheme of ["ws", "http"]) {
    const socket = new WebSocketSSE(new URL(`${scheme}://${host}/a b?c=d`), [], { fetch });
    assert.equal(socket.url, `ws://${host}/a%20b?c=d`);
    await closed(socket);
  }
  assert.deepEqual(server.asked.map(({ method }) => method), ["GET", "GET"]);
  const nobody = () => Promise.reject(new TypeError("no request expected"));
  for (const scheme of ["wss", "https"]) {
    const socket = new WebSocketSSE(`${scheme}://a.example`, [], { fetch: nobody });
    assert.equal(socket.url, "wss://a.example/");
    await closed(socket);
  }
  for (const url of ["", "/relative", "ftp://a.example", "ws://a.example/#part", "ws://a b"]) {
    assert.throws(() => new WebSocketSSE(url, [], { fetch: nobody }), { name: "SyntaxError" }, url);
  }
  const headers = { "a b": "no header" };
  assert.throws(
    () => new WebSocketSSE("ws://a.example", [], { fetch: nobody, headers }),
    TypeError,
  );
});

Deno.test("WebSocketSSE rejects subprotocols that are not tokens, or are repeated", () => {
  const fetch = () => Promise.reject(new TypeError("no request expected"));
  for (const bad of ["", "a b", "a,b", "ö", ["a", "a"], ["a", ""]]) {
    assert.throws(
      () => new WebSocketSSE("ws://a.example", bad, { fetch }),
      (error) => error instanceof DOMException && error.name === "SyntaxError",
      String(bad),
    );
  }
});

Deno.test("WebSocketSSE.close() accepts the codes and reasons that WHATWG allows", async () => {
  const lines: Line[] = [];
  await using server = new EventServer({
    GET: () => (lines.push(new Line().open()), lines.at(-1)!.response),
  });
  const socket = new WebSocketSSE(server.url);
  await heard(socket, "open");
  for (const code of [NaN, 0, 999, 1001, 1005, 1006, 1009, 1011, 2999, 5000, 65536]) {
    assert.throws(() => socket.close(code), { name: "InvalidAccessError" }, String(code));
  }
  for (const reason of ["x".repeat(124), "ö".repeat(62)]) {
    assert.throws(() => socket.close(1000, reason), { name: "SyntaxError" });
    assert.throws(() => socket.close(undefined, reason), { name: "SyntaxError" });
  }
  assert.equal(socket.readyState, WebSocketSSE.OPEN);
  socket.close(4999, "ö".repeat(61) + "x");
  socket.close(1000); // ignored after the first close
  lines[0]!.end();
  assert.deepEqual(await closed(socket), {
    code: 4999,
    reason: "ö".repeat(61) + "x",
    wasClean: true,
  });
  const told = server.by("DELETE").map(({ body }) => JSON.parse(new TextDecoder().decode(body)));
  assert.deepEqual(told, [{ code: 4999, reason: "ö".repeat(61) + "x" }]);
});

Deno.test("WebSocketSSE.close() without a code sends none, and ends with 1005", async () => {
  const line = new Line().open();
  await using server = new EventServer({
    GET: () => line.response,
    DELETE: () => (line.end(), new Response(null, { status: 204 })),
  });
  const socket = new WebSocketSSE(server.url);
  await heard(socket, "open");
  socket.close();
  assert.deepEqual(await closed(socket), { code: 1005, reason: "", wasClean: true });
  assert.equal(new TextDecoder().decode(server.by("DELETE")[0]!.body), "{}");
});

Deno.test("WebSocketSSE.close() before the open fails the connection, and notifies the server", async () => {
  const unborn = new WebSocketSSE("ws://a.example", [], { fetch: () => new Promise(() => {}) });
  unborn.close();
  assert.equal(unborn.readyState, WebSocketSSE.CLOSING);
  assert.deepEqual(await closed(unborn), { code: 1006, reason: "", wasClean: false });

  const line = new Line(0, { "onepeer-session": "t" });
  await using server = new EventServer({ GET: () => line.raw(":\n").response });
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const socket = new WebSocketSSE(server.url, [], {
    fetch: (input, init) => fetch(input, init).finally(() => setTimeout(begin)),
  });
  await begun; // only the headers have arrived
  let errors = 0;
  socket.onerror = () => errors++;
  socket.close(3000);
  assert.deepEqual(await closed(socket), { code: 1006, reason: "", wasClean: false });
  assert.equal(errors, 1);
  await line.gone;
  await until("the server got the close", () => server.by("DELETE").length === 1);
  assert.equal(server.by("DELETE")[0]!.headers.get("onepeer-session"), "t");
});

Deno.test("WebSocketSSE answers the server's close, and drops queued messages", async () => {
  const line = new Line().open();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using server = new EventServer({
    GET: () => line.response,
    POST: async () => (await released, new Response(null, { status: 204 })),
  });
  const socket = new WebSocketSSE(server.url);
  await heard(socket, "open");
  socket.send("one");
  socket.send("two");
  await until("the first message", () => server.by("POST").length === 1);
  line.event("last").close(1012, "restart");
  const messages: unknown[] = [];
  socket.onmessage = ({ data }) => messages.push(data);
  assert.deepEqual(await closed(socket), { code: 1012, reason: "restart", wasClean: true });
  assert.deepEqual(messages, ["last"]);
  release();
  socket.send("three");
  assert.equal(
    socket.bufferedAmount,
    11,
    "bufferedAmount includes late messages, like in a WebSocket",
  );
  await until("the answer", () => server.by("DELETE").length === 1);
  const told = JSON.parse(new TextDecoder().decode(server.by("DELETE")[0]!.body));
  assert.deepEqual(told, { code: 1012, reason: "restart" });
  assert.equal(server.by("POST").length, 1);
});

Deno.test("WebSocketSSE has the constants of a WebSocket, on the class and on each object", () => {
  const fetch = () => Promise.reject(new TypeError("no request expected"));
  const socket = new WebSocketSSE("ws://a.example", [], { fetch });
  for (const name of ["CONNECTING", "OPEN", "CLOSING", "CLOSED"] as const) {
    assert.equal(WebSocketSSE[name], WebSocket[name]);
    assert.equal(socket[name], WebSocket[name]);
    assert.equal(WebSocketSSE.prototype[name], WebSocket[name]);
  }
  socket.binaryType = "nodebuffer" as "blob"; // ignored, as WebIDL ignores invalid values of an enumeration
  assert.equal(socket.binaryType, "blob");
});

Deno.test("WebSocketSSE calls `on…` handlers in order of registration among the listeners", async () => {
  const line = new Line().open();
  await using server = new EventServer({ GET: () => line.response });
  const socket = new WebSocketSSE(server.url);
  const calls: string[] = [];
  socket.addEventListener("open", () => calls.push("before"));
  socket.onopen = () => calls.push("replaced");
  socket.addEventListener("open", () => calls.push("after"));
  socket.onopen = function (this: unknown) {
    calls.push(`handler of ${this === socket ? "the socket" : this}`);
  };
  socket.onmessage = () => calls.push("removed");
  socket.onmessage = null;
  assert.equal(socket.onmessage, null);
  line.event("ignored").close(1000);
  await closed(socket);
  assert.deepEqual(calls, ["before", "handler of the socket", "after"]);
});
