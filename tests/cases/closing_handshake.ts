import assert from "node:assert/strict";
import { CLOSE, closePayload, frame, TEXT } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/test_bed.ts";
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
    id: "X3.line",
    fact: "the line ends after a close of ours, also where the client has said nothing but its own",
    site: (s) => ({
      hooks: {
        open(peer) {
          const { search } = new URL(peer.request.url);
          if (search === "?close") peer.close(4000);
          if (search === "?throw") throw new Error("open fails");
        },
        error: () => {},
      },
      commands: { all: () => s.ws.closeAll(4000), drain: () => s.ws.close(4000) },
    }),
    async run(t) {
      for (const [search, code] of [["?close", 4000], ["?throw", 1011]] as const) {
        const client = await t.upgraded({ target: t.path(search) });
        assert.equal((await client.closing()).code, code);
        await client.ended();
      }
      for (const command of ["all", "drain"]) {
        const client = await t.upgraded();
        const over = client.closing().then(() => client.ended());
        await t.command(command);
        await over;
      }
    },
  },
  {
    id: "X6.wire-late",
    fact: "a protocol error's code reaches a client that has sent a lot behind it, and reads late",
    async run(t) {
      const client = await t.upgraded();
      client.pause();
      client.write(frame(TEXT, "x", { rsv: 7 }));
      for (let i = 0; i < 64; i++) {
        client.write(new Uint8Array(64 * 1024));
        await sleep(1);
      }
      await sleep(100);
      client.resume();
      const { opcode, payload } = await client.frame();
      assert.deepEqual([opcode, payload.readUInt16BE(0)], [CLOSE, 1002]);
    },
  },
  {
    id: "X5.busy",
    fact: "a client that never stops sending is closed all the same",
    site: () => ({ hooks: { message: (peer) => peer.close(4001) } }),
    async run(t) {
      const client = await t.connect();
      const timer = setInterval(() => client.send("and another"), 1);
      const { promise: late, resolve } = Promise.withResolvers<string>();
      setTimeout(() => resolve("late"), 2000);
      const end = await Promise.race([client.closed, late]);
      clearInterval(timer);
      assert.notEqual(end, "late");
    },
  },
  {
    id: "X2.readable",
    fact: "right behind close() and terminate() a peer can still be read, and does nothing",
    site: (s) => ({
      hooks: {
        message(peer, message) {
          peer.send("before");
          if (message.text() === "close") peer.close();
          else peer.terminate();
          s.log(
            "seen",
            peer.send("after"),
            peer.websocket.readyState > 1,
            peer.bufferedAmount >= 0,
          );
        },
      },
    }),
    async run(t) {
      for (const how of ["close", "terminate"]) (await t.connect()).send(how);
      for (const { data } of await t.logged("seen", 2)) assert.deepEqual(data, [-1, true, true]);
    },
  },
  {
    id: "S7.order",
    fact: "a ping leaves behind what was sent before it, and before what is sent after",
    site: (s) => ({
      hooks: {
        message(peer) {
          peer.send("1");
          s.log("pinged", peer.ping("2"));
          peer.send("3");
        },
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      client.write(frame(TEXT, "go"));
      const [{ data } = { data: [] }] = await t.logged("pinged");
      const sent = data[0] ? "123" : "13";
      for (const text of sent) assert.equal((await client.frame()).payload.toString(), text);
    },
  },
  {
    id: "I2.reason",
    fact: "the reason of an aborted signal tells whether a peer has gone, or never was",
    site: (s) => ({
      hooks: {
        async upgrade({ url, signal }) {
          signal.addEventListener("abort", () => s.log("abort", signal.reason.message));
          s.log("upgrade");
          await s.wait(url.endsWith("?leaves") ? "never" : "upgrade");
        },
        open: () => s.log("open"),
      },
    }),
    async run(t) {
      const leaves = await t.raw({ target: t.path("?leaves") });
      await t.logged("upgrade");
      leaves.rst();
      await t.logged("abort");
      await t.release("upgrade");
      const stays = await t.connect();
      await t.logged("open");
      stays.close();
      const reasons = (await t.logged("abort", 2)).map(({ data }) => data[0]);
      assert.deepEqual(reasons, ["The client has left", "The peer is gone"]);
      await t.release("never");
    },
  },
];
