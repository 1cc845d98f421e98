import assert from "node:assert/strict";
import { CLOSE, closePayload, frame, TEXT } from "../clients/raw_client.ts";
import { sleep } from "../clients/test_bed.ts";
import type { Case } from "../fixtures/case.ts";

/** X3, X6: what is on the wire where a client closes, or makes us close. */
export const closingHandshake: readonly Case[] = [
  {
    id: "X3.answer",
    fact: "a client's close is answered once: by its own code, and by none where it said none",
    async run(t) {
      for (const sent of [closePayload(1001, "bye"), closePayload(4000), new Uint8Array()]) {
        const client = await t.upgraded();
        client.write(frame(CLOSE, sent));
        const { opcode, payload } = await client.frame();
        assert.equal(opcode, CLOSE);
        assert.deepEqual([...payload.subarray(0, 2)], [...sent.subarray(0, 2)]);
        await client.ended();
        assert.equal(client.pending, 0);
      }
    },
  },
  {
    id: "X6.wire-late",
    fact: "a protocol error's code reaches a client that has sent a lot behind it, and reads late",
    async run(t) {
      const client = await t.upgraded();
      client.pause();
      client.write(frame(TEXT, new Uint8Array([0xff])));
      for (let i = 0; i < 64; i++) {
        client.write(new Uint8Array(64 * 1024));
        await sleep(1);
      }
      await sleep(100);
      client.resume();
      const { opcode, payload } = await client.frame();
      assert.deepEqual([opcode, payload.readUInt16BE(0)], [CLOSE, 1007]);
    },
  },
];
