import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { constants, inflateRawSync } from "node:zlib";
import { encode } from "../../../../socket/frame.ts";
import { isShareable, SharedDeflate } from "../../../../shims/node/shared_deflate.ts";

/** Inflates as a client does (RFC 7692 §7.2.2). */
function inflate(deflated: Uint8Array): string {
  const whole = Buffer.concat([deflated, Buffer.from([0, 0, 0xff, 0xff])]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

Deno.test("SharedDeflate compresses a message once, and a client inflates the original", () => {
  const deflate = new SharedDeflate({});
  const text = "once upon a time ".repeat(200);
  const frame = encode(text);
  const deflated = deflate.deflate(frame)!;
  assert.ok(deflated.byteLength < 200);
  assert.notEqual(Buffer.from(deflated).readUInt32BE(deflated.byteLength - 4), 0xffff);
  assert.equal(inflate(deflated), text);
  assert.equal(deflate.deflate(frame), deflated);
  assert.notEqual(deflate.deflate(encode(text)), deflated);
});

Deno.test("SharedDeflate compresses each message without references to the previous one", () => {
  const deflate = new SharedDeflate({});
  for (const text of ["abc".repeat(1000), "abc".repeat(1000), "cba".repeat(1000)]) {
    assert.equal(inflate(deflate.deflate(encode(text))!), text);
  }
});

Deno.test("SharedDeflate does not compress messages that are under the threshold or do not shrink", () => {
  assert.equal(new SharedDeflate({}).deflate(encode("x".repeat(1023))), undefined);
  assert.notEqual(new SharedDeflate({}).deflate(encode("x".repeat(1024))), undefined);
  assert.notEqual(new SharedDeflate({ threshold: 10 }).deflate(encode("x".repeat(20))), undefined);
  assert.equal(new SharedDeflate({}).deflate(encode(new Uint8Array(randomBytes(4096)))), undefined);
});

Deno.test("SharedDeflate passes its options to zlib", () => {
  const text = JSON.stringify(Array.from({ length: 800 }, (_, i) => ({ id: i * 7919 % 1000 })));
  const sizes = [1, 9].map((level) =>
    new SharedDeflate({ zlibDeflateOptions: { level } }).deflate(encode(text))!.byteLength
  );
  assert.ok(sizes[0]! > sizes[1]!, `${sizes}`);
});

Deno.test("SharedDeflate does not take a message over 64 KiB, which zlib compresses in the background", () => {
  const deflate = new SharedDeflate({});
  assert.equal(deflate.takes(encode("x".repeat(64 * 1024))), true);
  assert.equal(deflate.takes(encode("x".repeat(64 * 1024 + 1))), false);
});

Deno.test("isShareable() needs server_no_context_takeover and the full window", () => {
  const table: readonly (readonly [string, boolean])[] = [
    ["", false],
    ["permessage-deflate", false],
    ["permessage-deflate; client_no_context_takeover", false],
    ["permessage-deflate; server_no_context_takeover", true],
    ["permessage-deflate; server_no_context_takeover; client_max_window_bits=15", true],
    ["permessage-deflate; server_no_context_takeover; server_max_window_bits=10", false],
  ];
  for (const [extensions, expected] of table) assert.equal(isShareable(extensions), expected);
});
