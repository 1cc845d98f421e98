/**
 * Measures the time of a message from the internal socket to the `message` hook, without a network or
 * a runtime's socket. Prints nanoseconds per message, one figure per repetition.
 *
 * @module
 */
import { Adapter } from "../../endpoint/adapter.ts";
import type { Decision } from "../../endpoint/upgrader.ts";
import { CallbackSocket, type Wire } from "../../socket/callback_socket.ts";
import { RawHandshake } from "../../handshake/raw_handshake.ts";

const MESSAGES = 1_000_000;
const WARMUP = 3, REPETITIONS = 15;
const TEXT = "the peers of one room hear each ";

let received = 0;

/** An adapter without a runtime, which accepts one peer. */
class LocalAdapter extends Adapter {
  admit(): CallbackSocket<null> {
    const handshake = new RawHandshake({
      method: "GET",
      target: "/",
      rawHeaders: [
        ["Host", "localhost"],
        ["Connection", "Upgrade"],
        ["Upgrade", "websocket"],
        ["Sec-WebSocket-Version", "13"],
        ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
      ].flat(),
      secure: false,
      remoteAddress: "127.0.0.1",
      context: undefined,
      runtime: { name: "node" },
    });
    const decision = this.upgrader.decide(handshake) as Decision;
    if (decision.kind !== "accept") throw new Error(`the peer was not accepted: ${decision.kind}`);
    const socket = new CallbackSocket<null>(wire, null);
    this.endpoint.attach(socket, decision.admission);
    socket.opened();
    return socket;
  }
}

const wire: Wire<null> = {
  isOpen: () => true,
  send() {},
  close() {},
  terminate() {},
  bufferedAmount: () => 0,
};

// Hooks come from `resolve`, as with a framework: once per peer, not per message.
const ws = new LocalAdapter({ resolve: () => ({ message: () => void received++ }) });
const socket = ws.admit();

/** Delivers all messages; returns the nanoseconds per message. */
function deliver(): number {
  const start = performance.now();
  for (let i = 0; i < MESSAGES; i++) socket.received(TEXT, TEXT.length);
  return (performance.now() - start) * 1e6 / MESSAGES;
}

for (let i = 0; i < WARMUP; i++) deliver();
const figures = Array.from({ length: REPETITIONS }, deliver);
if (received !== (WARMUP + REPETITIONS) * MESSAGES) {
  throw new Error(`the hook received ${received} messages`);
}
console.log(JSON.stringify(figures));
ws.closeAll(1000, "", true);
