import assert from "node:assert/strict";
import { cleanName } from "../examples/chat/protocol.ts";
import { ChatServer } from "./harness/clients/chat_server.ts";
import { RawClient } from "./harness/clients/raw_client.ts";

Deno.test("cleanName() returns no name that readers cannot see", () => {
  for (const name of ["\u200B", "\u3164", "\u2800", "\u00AD", "\u200B\u2800 \u00AD", " "]) {
    assert.equal(cleanName(name), undefined, JSON.stringify(name));
  }
  for (const name of ["Zoë", "名前", "😀"]) assert.equal(cleanName(name), name);
});

for (const runtime of ["deno", "node"] as const) {
  Deno.test(`the chat on ${runtime} answers 400 to a malformed Host, and limits each client`, async () => {
    const chat = await ChatServer.start(runtime, 0);
    const leave = new AbortController();
    try {
      for (const host of ["x:99999", "a b"]) {
        const raw = await RawClient.connect({
          host: "127.0.0.1",
          port: Number(new URL(chat.url).port),
        });
        raw.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        assert.equal((await raw.head()).status, 400);
        raw.destroy();
      }
      const asked = { headers: { accept: "text/event-stream" }, signal: leave.signal };
      const open = (_: unknown, room: number) => fetch(new URL(`/room/r${room}`, chat.url), asked);
      const responses = await Promise.all(Array.from({ length: 51 }, open));
      const statuses = responses.map(({ status }) => status).toSorted();
      assert.deepEqual(statuses, [...Array(50).fill(200), 429]);
    } finally {
      leave.abort();
      await chat.end("SIGTERM");
    }
  });
}
