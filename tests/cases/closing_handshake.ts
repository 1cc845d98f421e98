import assert from "node:assert/strict";
import { CLOSE, closePayload, frame, TEXT } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";

/** X2–X6, S7, I2: closes, seen on the wire and by the application. */
export const closingHandshake: readonly Case[] = [
  {
    id: "X3.answer",
    fact: "the server answers a client's close once, with the client's code, or without a code",
    async run(client) {
      for (const sent of [closePayload(1001, "bye"), closePayload(4000), new Uint8Array()]) {
        const raw = await client.upgraded();
        raw.write(frame(CLOSE, sent));
        const { opcode, payload } = await raw.frame();
        assert.equal(opcode, CLOSE);
        assert.deepEqual([...payload.subarray(0, 2)], [...sent.subarray(0, 2)]);
        await raw.ended();
        assert.equal(raw.pending, 0);
      }
    },
  },
  {
    id: "X3.line",
    fact: "the server ends the connection after the client's answer to its close",
    server: (server) => ({
      hooks: {
        open(peer) {
          const { search } = new URL(peer.request.url);
          if (search === "?close") peer.close(4000);
          if (search === "?throw") throw new Error("open fails");
        },
        error: () => {},
      },
      commands: { all: () => server.ws.closeAll(4000), drain: () => server.ws.close(4000) },
    }),
    async run(client) {
      for (const [search, code] of [["?close", 4000], ["?throw", 1011]] as const) {
        const raw = await client.upgraded({ target: client.path(search) });
        assert.equal((await raw.closing()).code, code);
        await raw.ended();
      }
      for (const command of ["all", "drain"]) {
        const raw = await client.upgraded();
        const over = raw.closing().then(() => raw.ended());
        await client.command(command);
        await over;
      }
    },
  },
  {
    id: "X6.wire-late",
    fact: "the code of a protocol error reaches a client that sends much more data and reads late",
    async run(client) {
      const raw = await client.upgraded();
      raw.pause();
      raw.write(frame(TEXT, "x", { rsv: 7 }));
      for (let i = 0; i < 64; i++) {
        raw.write(new Uint8Array(64 * 1024));
        await sleep(1);
      }
      await sleep(100);
      raw.resume();
      const { opcode, payload } = await raw.frame();
      assert.deepEqual([opcode, payload.readUInt16BE(0)], [CLOSE, 1002]);
    },
  },
  {
    id: "X5.busy",
    fact: "the server closes a client that never stops sending",
    server: () => ({ hooks: { message: (peer) => peer.close(4001) } }),
    async run(client) {
      const socket = await client.connect();
      const timer = setInterval(() => socket.send("and another"), 1);
      const { promise: late, resolve } = Promise.withResolvers<string>();
      setTimeout(() => resolve("late"), 2000);
      const end = await Promise.race([socket.closed, late]);
      clearInterval(timer);
      assert.notEqual(end, "late");
    },
  },
  {
    id: "X2.readable",
    fact: "after close() and terminate() a peer's properties work, and its send() returns -1",
    server: (server) => ({
      hooks: {
        message(peer, message) {
          peer.send("before");
          if (message.text() === "close") peer.close();
          else peer.terminate();
          server.log(
            "seen",
            peer.send("after"),
            peer.websocket.readyState > 1,
            peer.bufferedAmount >= 0,
          );
        },
      },
    }),
    async run(client) {
      for (const how of ["close", "terminate"]) (await client.connect()).send(how);
      for (const { data } of await client.logged("seen", 2)) {
        assert.deepEqual(data, [-1, true, true]);
      }
    },
  },
  {
    id: "S7.order",
    fact: "a ping keeps its place between the messages sent before and after it",
    server: (server) => ({
      hooks: {
        message(peer) {
          peer.send("1");
          server.log("pinged", peer.ping("2"));
          peer.send("3");
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "go"));
      const [{ data } = { data: [] }] = await client.logged("pinged");
      const sent = data[0] ? "123" : "13";
      for (const text of sent) assert.equal((await raw.frame()).payload.toString(), text);
    },
  },
  {
    id: "I2.reason",
    fact:
      "request.signal gives different reasons for a peer that is gone and a client that left during its upgrade",
    server: (server) => ({
      hooks: {
        async upgrade({ url, signal }) {
          signal.addEventListener("abort", () => server.log("abort", signal.reason.message));
          server.log("upgrade");
          await server.wait(url.endsWith("?leaves") ? "never" : "upgrade");
        },
        open: () => server.log("open"),
      },
    }),
    async run(client) {
      const leaves = await client.raw({ target: client.path("?leaves") });
      await client.logged("upgrade");
      leaves.rst();
      await client.logged("abort");
      await client.release("upgrade");
      const stays = await client.connect();
      await client.logged("open");
      stays.close();
      const reasons = (await client.logged("abort", 2)).map(({ data }) => data[0]);
      assert.deepEqual(reasons, ["The client has left", "The peer is gone"]);
      await client.release("never");
    },
  },
];
