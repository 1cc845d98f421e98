import assert from "node:assert/strict";
import { Adapter } from "../../../endpoint/adapter.ts";
import type { Hooks } from "../../../endpoint/hooks.ts";
import { CallbackSocket, type Wire } from "../../../socket/callback_socket.ts";
import { RawHandshake } from "../../../handshake/raw_handshake.ts";

/** A native socket that goes on reporting after the client's close has come in, as that of `ws` does. */
interface Native {
  isOpen: boolean;
}

const wire: Wire<Native> = {
  isOpen: (native) => native.isOpen,
  send() {},
  close() {},
  terminate() {},
  bufferedAmount: () => 0,
};

class TestAdapter extends Adapter {
  async connect(native: Native): Promise<CallbackSocket<Native>> {
    const handshake = new RawHandshake({
      method: "GET",
      target: "/",
      rawHeaders: [
        ["host", "localhost"],
        ["connection", "upgrade"],
        ["upgrade", "websocket"],
        ["sec-websocket-version", "13"],
        ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
      ].flat(),
      secure: false,
      remoteAddress: undefined,
    });
    const decision = await this.upgrader.decide(handshake);
    assert.equal(decision.kind, "accept");
    const socket = new CallbackSocket(wire, native);
    if (decision.kind === "accept") this.endpoint.attach(socket, decision.admission);
    socket.opened();
    return socket;
  }
}

Deno.test("Connection starts no message hook after a failed open, though the line is still heard", async () => {
  const said: string[] = [];
  let fail: (error: Error) => void = () => {};
  const hooks: Partial<Hooks> = {
    open: () => new Promise((_, reject) => fail = reject),
    message: () => void said.push("message"),
    error: (_, error) => void said.push(`error ${error.hook}`),
    close: () => void said.push("close"),
  };
  const native: Native = { isOpen: true };
  const socket = await new TestAdapter({ hooks }).connect(native);
  socket.received("waits", 5);
  native.isOpen = false; // the client has closed; what it sent before is still being read
  fail(new Error("open was to fail"));
  await new Promise((go) => setTimeout(go));
  socket.received("late", 4);
  socket.closed({ code: 1000, reason: "", wasClean: true });
  await new Promise((go) => setTimeout(go));
  assert.deepEqual(said, ["error open", "close"]);
});
