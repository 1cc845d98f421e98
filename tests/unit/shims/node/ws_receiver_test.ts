import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { frame, TEXT } from "../../../harness/clients/raw_client.ts";
import { receiveChunk, type Receiver } from "../../../../shims/node/ws_receiver.ts";

/** Methods of the receiver of `ws` that the tests call. `@types/ws` 8.18 lacks the class. */
interface WsReceiver extends Receiver {
  write(chunk: Uint8Array): boolean;
  on(event: string, listener: (data: Buffer) => void): unknown;
}

async function start(): Promise<{ receiver: WsReceiver; messages: string[] }> {
  const { Receiver } = await import("ws") as unknown as {
    Receiver: new (options: object) => WsReceiver;
  };
  const receiver = new Receiver({ isServer: true, maxPayload: 1024 * 1024 });
  receiver._write = receiveChunk;
  const messages: string[] = [];
  receiver.on("message", (data) => messages.push(data.toString()));
  return { receiver, messages };
}

const text = (length: number) => "0123456789".repeat(length / 10);

Deno.test("receiveChunk() keeps few parts of a message in many fragments", async () => {
  const { receiver, messages } = await start(), count = 10_000;
  for (let i = 0; i < count; i++) {
    receiver.write(frame(i === 0 ? TEXT : 0, `${i % 10}`, { fin: i === count - 1 }));
    const { length } = receiver._fragments!;
    assert.ok(length <= 1024 + 10, `${length} parts`);
  }
  assert.deepEqual(messages, [text(count)]);
});

Deno.test("receiveChunk() keeps few parts of a frame in many chunks", async () => {
  const { receiver, messages } = await start(), count = 10_000;
  for (const byte of frame(TEXT, text(count))) {
    receiver.write(Uint8Array.of(byte));
    const { length } = receiver._buffers!;
    assert.ok(length <= 1024 + 10, `${length} parts`);
  }
  assert.deepEqual(messages, [text(count)]);
});
