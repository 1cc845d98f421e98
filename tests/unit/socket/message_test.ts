import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { inspect } from "node:util";
import { type BinaryType, Message } from "../../../socket/message.ts";
import type { Payload } from "../../../socket/socket.ts";

const ID = "11111111-2222-4333-8444-555555555555";

function message(rawData: Payload, binaryType: BinaryType = "uint8array"): Message {
  return new Message({ id: ID, websocket: { binaryType } }, rawData);
}

/** Bytes 2, 3 in the middle of a larger buffer. */
const middle = (): Uint8Array<ArrayBuffer> => new Uint8Array([1, 2, 3, 4]).subarray(1, 3);

Deno.test("Message that waits in a queue releases its chunk, and keeps its bytes", () => {
  const waiting = message(middle());
  Message.settle(waiting);
  const kept = Message.sendOn(waiting) as Uint8Array;
  assert.deepEqual([...kept], [2, 3]);
  assert.equal(kept.buffer.byteLength, 2);
});

Deno.test("Message.type comes from the frame, not from the content", () => {
  assert.equal(message("").type, "text");
  assert.equal(message("{}").type, "text");
  assert.equal(message(new Uint8Array()).type, "binary");
});

Deno.test("Message.data is a string for text, with every binaryType", () => {
  for (const type of ["uint8array", "arraybuffer", "blob", "nodebuffer"] as const) {
    assert.equal(message("hi", type).data, "hi");
    assert.equal(message("", type).data, "");
  }
});

Deno.test("Message.data has the type of binaryType for binary, with exactly the bytes", async () => {
  const bytes = new Uint8Array([2, 3]);
  const data = (type: BinaryType) => message(middle(), type).data;
  assert.deepEqual(data("uint8array"), bytes);
  assert.deepEqual(data("arraybuffer"), bytes.buffer);
  const blob = data("blob");
  assert.ok(blob instanceof Blob);
  assert.deepEqual(await blob.bytes(), bytes);
  const buffer = data("nodebuffer");
  assert.ok(Buffer.isBuffer(buffer));
  assert.deepEqual([...buffer], [2, 3]);
  assert.equal(buffer.buffer.byteLength, 2, "length of the underlying buffer");
});

Deno.test("Message.data uses the binaryType at the time of the read", () => {
  const websocket = { binaryType: "arraybuffer" as BinaryType };
  const it = new Message({ id: ID, websocket }, new Uint8Array(1));
  assert.ok(it.data instanceof ArrayBuffer);
  websocket.binaryType = "uint8array";
  assert.equal(it.data, it.rawData);
});

Deno.test("Message views of a text have its UTF-8 bytes", async () => {
  const bytes = new Uint8Array([0xc3, 0xbc]);
  const it = message("ü");
  assert.equal(it.text(), "ü");
  assert.deepEqual(it.uint8Array(), bytes);
  assert.deepEqual(it.arrayBuffer(), bytes.buffer);
  assert.deepEqual(await it.blob().bytes(), bytes);
});

Deno.test("Message views of an empty message are empty", async () => {
  for (const raw of ["", new Uint8Array(), new Uint8Array(4).subarray(2, 2)]) {
    const it = message(raw);
    assert.equal(it.text(), "");
    assert.equal(it.uint8Array().byteLength, 0);
    assert.equal(it.arrayBuffer().byteLength, 0);
    assert.equal(it.blob().size, 0);
    assert.equal((await it.blob().bytes()).byteLength, 0);
  }
});

Deno.test("Message.arrayBuffer() has exactly the message's bytes, also for part of a buffer", () => {
  assert.deepEqual(message(middle()).arrayBuffer(), new Uint8Array([2, 3]).buffer);
  const whole = new Uint8Array([1, 2]);
  assert.deepEqual(message(whole).arrayBuffer(), new Uint8Array([1, 2]).buffer);
});

Deno.test("Message.rawData is the bytes of the message, created once", () => {
  const chunk = new Uint8Array([1, 2, 3, 4]);
  const it = message(chunk.subarray(1, 3));
  const rawData = it.rawData as Uint8Array;
  chunk.fill(0);
  assert.deepEqual(rawData, new Uint8Array([2, 3]));
  assert.equal(rawData.buffer.byteLength, 2);
  assert.equal(it.rawData, rawData);
  assert.equal(it.data, rawData);
});

Deno.test("Message.settle() keeps only the bytes of the message in memory", () => {
  const it = message(new Uint8Array(1000).subarray(1, 3));
  Message.settle(it);
  assert.equal((it.rawData as Uint8Array).buffer.byteLength, 2);
});

Deno.test("Message.text() decodes binary, replaces invalid bytes, and keeps a byte order mark", () => {
  assert.equal(message(new Uint8Array([0x68, 0xc3, 0xbc])).text(), "hü");
  assert.equal(message(new Uint8Array([0x61, 0xff])).text(), "a\ufffd");
  assert.equal(message("\ufeffa").text(), "\ufeffa");
});

Deno.test("Message is its text as a string, a template and JSON", () => {
  assert.equal(String(message("hi")), "hi");
  assert.equal(`${message(new Uint8Array([0x68, 0x69]))}`, "hi");
  assert.deepEqual(message('{"a":[1]}').json(), { a: [1] });
  assert.deepEqual(message(new TextEncoder().encode("[true]")).json(), [true]);
});

Deno.test("Message.json() names peer and size of invalid JSON, never the content", () => {
  for (const raw of ["secret", "", "{'secret'}", new TextEncoder().encode("secret!")]) {
    const size = message(raw).uint8Array().byteLength;
    assert.throws(() => message(raw).json(), (error: Error) => {
      assert.ok(error instanceof SyntaxError);
      assert.equal(
        error.message,
        `Cannot parse the message of peer ${ID} as JSON: it has ${size} bytes`,
      );
      assert.ok(!inspect(error).includes("secret'"), "the error quotes the content");
      assert.equal(error.cause, undefined);
      return true;
    });
  }
});

Deno.test("Message.id is a stable UUID v4, different for each message", () => {
  const [a, b] = [message("a"), message("a")];
  assert.match(a.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(a.id, a.id);
  assert.notEqual(a.id, b.id);
});

Deno.test("Message is inspected as one line without its content", () => {
  for (
    const [raw, text] of [
      ["ü", `Message(text, 2 bytes, from ${ID})`],
      [new Uint8Array(1), `Message(binary, 1 byte, from ${ID})`],
      ["", `Message(text, 0 bytes, from ${ID})`],
    ] as const
  ) {
    assert.equal(Deno.inspect(message(raw)), text);
    assert.equal(inspect(message(raw)), text);
  }
  assert.equal(typeof Deno.inspect(Message.prototype), "string");
});
