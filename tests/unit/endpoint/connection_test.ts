import assert from "node:assert/strict";
import type { Hooks } from "../../../endpoint/hooks.ts";
import { CLOSING } from "../../../socket/socket.ts";
import { FakeAdapter } from "../fake_adapter.ts";

Deno.test("Connection starts no message hook after a failed open hook, though messages still arrive", async () => {
  const said: string[] = [];
  let fail: (error: Error) => void = () => {};
  const hooks: Partial<Hooks> = {
    open: () => new Promise((_, reject) => fail = reject),
    message: () => void said.push("message"),
    error: (_, error) => void said.push(`error ${error.hook}`),
    close: () => void said.push("close"),
  };
  const [socket] = await new FakeAdapter({ hooks }).connect();
  const listener = socket.listener!;
  listener.onmessage("waits", 5);
  // The client has closed. `ws` still reads its earlier messages.
  socket.readyState = CLOSING;
  fail(new Error("open fails on purpose"));
  await new Promise((go) => setTimeout(go));
  listener.onmessage("late", 4);
  socket.closed({ code: 1000, reason: "", wasClean: true });
  await new Promise((go) => setTimeout(go));
  assert.deepEqual(said, ["error open", "close"]);
});

Deno.test("Connection starts a synchronous message hook before onmessage() returns", async () => {
  const said: string[] = [];
  const hooks: Partial<Hooks> = { message: (_, message) => void said.push(message.text()) };
  const [socket] = await new FakeAdapter({ hooks }).connect();
  await new Promise((go) => setTimeout(go)); // `open` has settled
  socket.listener!.onmessage("a", 1);
  assert.deepEqual(said, ["a"]);
  socket.listener!.onmessage("b", 1);
  assert.deepEqual(said, ["a", "b"]);
});
