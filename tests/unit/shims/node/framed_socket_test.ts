import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { FramedSocket, upgradeStream } from "../../../../shims/node/framed_socket.ts";
import { RawHandshake } from "../../../../handshake/raw_handshake.ts";
import { CLOSING, OPEN } from "../../../../socket/socket.ts";
import {
  CLOSE,
  closePayload,
  frame,
  parseFrame,
  PING,
  PONG,
  type RawFrame,
} from "../../../harness/clients/raw_client.ts";

const LIMITS = { maxPayload: 1000, closeTimeout: 5000 };

/** A stream whose other end reads only on request. */
class StuckLine extends Duplex {
  #written: Buffer = Buffer.alloc(0);
  #read: (() => void) | undefined;
  #isRead = false;

  constructor() {
    super({ writableHighWaterMark: 64, autoDestroy: true });
  }

  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#written = Buffer.concat([this.#written, chunk]);
    if (this.#isRead) done();
    else this.#read = done;
  }

  /** Makes the other end read all bytes from now on. */
  async readAll(): Promise<RawFrame[]> {
    this.#isRead = true;
    this.#read?.();
    await setImmediate();
    const frames: RawFrame[] = [];
    for (let rest = this.#written, next = parseFrame(rest); next; next = parseFrame(rest)) {
      frames.push(next.frame);
      rest = rest.subarray(next.length);
    }
    return frames;
  }
}

function framed(): { stream: StuckLine; socket: FramedSocket["socket"] } {
  const stream = new StuckLine();
  const { socket } = new FramedSocket(stream, "", LIMITS);
  socket.opened();
  return { stream, socket };
}

Deno.test("FramedSocket sends few pongs to a client that does not read, and the last answers the latest ping", async () => {
  const { stream } = framed();
  for (let i = 0; i < 1000; i++) stream.push(frame(PING, `${i}`));
  await setImmediate();
  assert.ok(stream.writableLength < 200, `${stream.writableLength} bytes are queued`);
  const frames = await stream.readAll();
  assert.ok(frames.every(({ opcode }) => opcode === PONG));
  assert.equal(frames.at(-1)!.payload.toString(), "999");
  stream.destroy();
});

Deno.test("FramedSocket is CLOSING once the client has ended its half, though bytes are unread", async () => {
  const { stream, socket } = framed();
  stream.write(new Uint8Array(100));
  stream.push(null);
  stream.resume();
  assert.equal(socket.readyState, OPEN);
  await setImmediate();
  assert.equal(stream.destroyed, false);
  assert.equal(socket.readyState, CLOSING);
  await stream.readAll();
  assert.equal(stream.destroyed, true);
});

Deno.test({
  name: "FramedSocket leaves no timer if the connection drops after the client's close",
  sanitizeOps: true, // the sanitizer finds a timer that is left
  async fn() {
    const { stream } = framed();
    stream.push(frame(CLOSE, closePayload(1000)));
    await setImmediate();
    assert.equal(stream.destroyed, false);
    stream.destroy();
    await setImmediate();
    assert.equal(stream.closed, true);
  },
});

Deno.test("upgradeStream() does not upgrade a destroyed stream", () => {
  const stream = new StuckLine();
  stream.destroy();
  const handshake = new RawHandshake({
    method: "GET",
    target: "/",
    rawHeaders: ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
    secure: false,
    remoteAddress: undefined,
  });
  const use = () => assert.fail("a socket was created");
  const answer = { protocol: "", headers: [] };
  assert.equal(upgradeStream(handshake, stream, new Uint8Array(), answer, LIMITS, use), false);
});
