import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { IncomingMessage } from "node:http";
import fc from "fast-check";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { PING } from "../../../../shims/node/frame_bits.ts";
import { GrowingBuffer } from "../../../../shims/node/growing_buffer.ts";
import { FrameParser } from "../../../../shims/node/frame_parser.ts";
import { unmask } from "../../../../shims/node/masking.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  frame,
  PONG,
  TEXT,
} from "../../../harness/clients/raw_client.ts";

const MAX_PAYLOAD = 4096;

/** Describes the parser's result for chunks. */
function parsed(chunks: readonly Buffer[], maxPayload = MAX_PAYLOAD): unknown[][] {
  const heard: unknown[][] = [];
  const parser = new FrameParser({
    onMessage: (payload, byteLength) => heard.push(["message", shown(payload), byteLength]),
    onControl: (opcode, data) =>
      heard.push([opcode === PING ? "ping" : "pong", Buffer.from(data).toString("hex")]),
    onClose: (code, reason) => heard.push(["close", code, reason]),
    onViolation: ({ code }) => heard.push(["violation", code]),
  }, maxPayload);
  for (const chunk of chunks) parser.read(Buffer.from(chunk));
  return heard;
}

function shown(payload: string | Uint8Array): string {
  return typeof payload === "string"
    ? `text ${payload}`
    : `bytes ${Buffer.from(payload).toString("hex")}`;
}

/** Describes the result of `ws` for the same bytes, as an independent reading of RFC 6455. */
async function readByWs(bytes: Buffer): Promise<unknown[][]> {
  const heard: unknown[][] = [];
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD });
  const request = {
    method: "GET",
    headers: {
      upgrade: "websocket",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
    },
  };
  server.handleUpgrade(
    request as unknown as IncomingMessage,
    stream,
    Buffer.alloc(0),
    (socket: WebSocket) => {
      socket.on("message", (data: Buffer, isBinary) => {
        const payload = isBinary ? data : data.toString();
        heard.push(["message", shown(payload), data.byteLength]);
      });
      socket.on("ping", (data) => heard.push(["ping", data.toString("hex")]));
      socket.on("pong", (data) => heard.push(["pong", data.toString("hex")]));
      socket.on("error", (error: Error & { code?: string }) => {
        heard.push(["violation", WS_CODES[error.code ?? ""] ?? 1002]);
      });
      const { close } = socket;
      socket.close = (code, reason) => {
        const failed = heard.at(-1)?.[0] === "violation" || code === 1002 || code === 1007 ||
          code === 1009;
        closes.push([code ?? 1005, String(reason ?? ""), failed]);
        close.call(socket, code, reason);
      };
    },
  );
  const closes: [number, string, boolean][] = [];
  stream.push(bytes);
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  const [first] = closes;
  if (first && !heard.some(([what]) => what === "violation")) {
    heard.push(["close", first[0], first[1]]);
  }
  stream.destroy();
  return heard;
}

const WS_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
};

/** Cuts bytes at the given offsets. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((it) => it % (bytes.length + 1)).sort((a, b) => a - b)];
  return sorted.map((start, i) => bytes.subarray(start, sorted[i + 1] ?? bytes.length));
}

Deno.test("FrameParser reads messages at each length boundary, in one chunk and byte by byte", () => {
  for (const length of [0, 1, 125, 126, 127, 128, 65_535, 65_536, 65_537]) {
    const payload = new Uint8Array(length).map((_, i) => i * 7);
    const bytes = Buffer.concat([frame(BINARY, payload), frame(TEXT, "x".repeat(length))]);
    const expected = [
      ["message", shown(payload), length],
      ["message", `text ${"x".repeat(length)}`, length],
    ];
    assert.deepEqual(parsed([bytes], 1e6), expected);
    const step = length > 1000 ? 997 : 1;
    const chunks = Array.from(
      { length: Math.ceil(bytes.length / step) },
      (_, i) => bytes.subarray(i * step, (i + 1) * step),
    );
    assert.deepEqual(parsed(chunks, 1e6), expected);
  }
});

Deno.test("FrameParser refuses a message over maxPayload at its header, before the payload arrives", () => {
  const header = frame(BINARY, new Uint8Array(MAX_PAYLOAD + 1)).subarray(0, 8);
  assert.deepEqual(parsed([header]), [["violation", 1009]]);
  const huge = Buffer.from([
    0x82,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0,
    0,
    0,
    0,
  ]);
  assert.deepEqual(parsed([huge]), [["violation", 1009]]);
  const half = new Uint8Array(MAX_PAYLOAD / 2);
  const fragments = [
    frame(BINARY, half, { fin: false }),
    frame(0, half, { fin: false }),
    frame(0, "x"),
  ];
  assert.deepEqual(parsed(fragments), [["violation", 1009]]);
});

Deno.test("FrameParser joins a flood of tiny and empty fragments into one message", () => {
  const chunks = [frame(TEXT, "", { fin: false })];
  for (let i = 0; i < 4000; i++) chunks.push(frame(0, i % 2 ? "x" : "", { fin: false }));
  assert.deepEqual(parsed([...chunks, frame(0)]), [["message", `text ${"x".repeat(2000)}`, 2000]]);
});

Deno.test("FrameParser does not truncate a length of 4 GiB or more to 32 bits", () => {
  const head = [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6];
  assert.deepEqual(parsed([Buffer.from(head)]), [["violation", 1009]]);
});

Deno.test("FrameParser copies the bytes of a million fragments in linear time", () => {
  const flood = Buffer.concat(Array(1000).fill(frame(0, "x", { fin: false })));
  const chunks = [frame(TEXT, "", { fin: false }), ...Array(1000).fill(flood), frame(0)];
  const [[, , length] = []] = parsed(chunks, 2 ** 20);
  assert.equal(length, 1_000_000);

  // Counts how often the buffer is copied, as a time would depend on the machine.
  const x = Buffer.from("x"), message = new GrowingBuffer(x);
  let copies = 0;
  for (let i = 0, memory; i < 1_000_000; i++) {
    message.append(x);
    if (message.bytes.buffer !== memory) copies++;
    memory = message.bytes.buffer;
  }
  assert.equal(message.byteLength, 1_000_001);
  assert.ok(copies <= 21, `copied ${copies} times`);
});

Deno.test("FrameParser checks UTF-8 across fragments and chunks that split a character", () => {
  const text = Buffer.from("aé€😀\ufffd");
  for (let i = 0; i <= text.length; i++) {
    const bytes = Buffer.concat([
      frame(TEXT, text.subarray(0, i), { fin: false }),
      frame(PING, "p"),
      frame(0, text.subarray(i)),
    ]);
    assert.deepEqual(parsed(cut(bytes, [i, i * 2, i * 3])), [
      ["ping", "70"],
      ["message", "text aé€😀\ufffd", text.length],
    ]);
  }
  for (const bad of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2]]) {
    assert.deepEqual(parsed([frame(TEXT, new Uint8Array(bad))]), [["violation", 1007]]);
  }
});

Deno.test("FrameParser returns exactly the message's bytes, and copies those of fragments", () => {
  const seen: Uint8Array[] = [];
  const parser = new FrameParser({
    onMessage: (payload) => seen.push(payload as Uint8Array),
    onControl() {},
    onClose() {},
    onViolation: ({ message }) => assert.fail(message),
  }, MAX_PAYLOAD);
  const chunks = [frame(BINARY, "abc"), frame(BINARY, "ab", { fin: false }), frame(0, "c")];
  for (const chunk of chunks) parser.read(chunk);
  for (const chunk of chunks.slice(1)) chunk.fill(0);
  for (const bytes of seen) assert.deepEqual(bytes, new Uint8Array([0x61, 0x62, 0x63]));
  assert.equal(seen.length, 2);
});

Deno.test("FrameParser reports nothing after a close or a violation", () => {
  const after = frame(TEXT, "late");
  assert.deepEqual(parsed([frame(CLOSE, closePayload(4000, "bye")), after]), [[
    "close",
    4000,
    "bye",
  ]]);
  assert.deepEqual(parsed([frame(TEXT, "x", { rsv: 4 }), after]), [["violation", 1002]]);
});

Deno.test("unmask() equals a simple loop, at any alignment", () => {
  fc.assert(fc.property(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 500, maxLength: 700 })),
    fc.integer({ min: 0, max: 9 }),
    (mask, payload, shift) => {
      const memory = new Uint8Array(shift + 4 + payload.length + 3).fill(0xee);
      const data = memory.subarray(shift);
      data.set(mask);
      data.set(payload.map((byte, i) => byte ^ mask[i & 3]!), 4);
      unmask(data, 0, 4, 4 + payload.length);
      assert.deepEqual(data.subarray(4, 4 + payload.length), payload);
      assert.deepEqual([...data.subarray(4 + payload.length)], [0xee, 0xee, 0xee]);
    },
  ));
});

Deno.test("FrameParser reads random frames in random chunks like ws", async () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.string({ unit: "grapheme", maxLength: 20 }).map((it) => Buffer.from(it)),
    fc.constantFrom(125, 126, 127, 4095, 4096, 4097).map((it) => new Uint8Array(it).fill(65)),
    fc.constantFrom(1000, 1001, 999, 1004, 1005, 1006, 1015, 3000, 5000).map((it) =>
      closePayload(it)
    ),
  );
  const one = fc.record({
    opcode: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(TEXT, BINARY, 0) },
      { weight: 3, arbitrary: fc.constantFrom(PING, PONG, CLOSE) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 15 }) },
    ),
    payload,
    fin: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.boolean()),
    rsv: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 7 })),
    masked: fc.oneof({ weight: 20, arbitrary: fc.constant(true) }, fc.constant(false)),
  });
  let violations = 0, messages = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(one, { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(9000), { maxLength: 12 }),
      async (frames, places) => {
        const bytes = Buffer.concat(
          frames.map(({ opcode, payload, ...bits }) => frame(opcode, payload, bits)),
        );
        const ours = parsed(cut(bytes, places));
        assert.deepEqual(ours, await readByWs(Buffer.from(bytes)));
        violations += ours.filter(([what]) => what === "violation").length;
        messages += ours.filter(([what]) => what === "message").length;
      },
    ),
    { numRuns: 600 },
  );
  assert.ok(violations > 50 && messages > 100, `${violations} violations, ${messages} messages`);
});
