import assert from "node:assert/strict";
import { WebSocketSSE } from "../../websocket/sse.ts";
import { EventServer, Line } from "../clients/event_server.ts";

Deno.test("WebSocketSSE connects, sends and closes as a WebSocket does", async () => {
  const line = new Line();
  await using server = new EventServer({
    GET: () => line.open({ protocol: "b" }).response,
    DELETE: () => (line.close(4000, "bye"), new Response(null, { status: 204 })),
  });
  const socket = new WebSocketSSE(server.url, ["a", "b"]);
  assert.equal(socket.url, server.url.replace("http", "ws"));
  assert.throws(() => socket.send("early"), { name: "InvalidStateError" });
  await event(socket, "open");
  assert.deepEqual([socket.readyState, socket.protocol, socket.extensions], [1, "b", ""]);

  socket.send("ö");
  socket.send(new Uint8Array([0, 255]).subarray(1));
  assert.equal(socket.bufferedAmount, 3);
  socket.close(4000, "bye");
  assert.equal(socket.readyState, WebSocketSSE.CLOSING);
  const { code, reason, wasClean } = await event(socket, "close") as CloseEvent;
  assert.deepEqual([code, reason, wasClean], [4000, "bye", true]);
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

/** The next event of a type. */
function event(socket: WebSocketSSE, type: string): Promise<Event> {
  return new Promise((resolve) => socket.addEventListener(type, resolve, { once: true }));
}
