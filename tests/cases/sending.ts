import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  BINARY,
  CLOSE,
  frame,
  PING,
  PONG,
  type RawFrame,
  TEXT,
} from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/test_bed.ts";
import type { Case } from "../fixtures/case.ts";

/** Values without a JSON text that anybody meant, by name. */
const UNSENDABLE: Record<string, () => unknown> = {
  undefined: () => undefined,
  function: () => () => {},
  symbol: () => Symbol("s"),
  bigint: () => 1n,
  "nested bigint": () => ({ n: 1n }),
  Blob: () => new Blob(["x"]),
  stream: () => new ReadableStream(),
  promise: () => Promise.resolve("x"),
  circular: () => {
    const value: { self?: unknown } = {};
    value.self = value;
    return value;
  },
};

/** S1–S7: what is on the wire for what is sent. */
export const sending: readonly Case[] = [
  {
    id: "S1.text",
    fact: "a string is one text frame, at every length boundary",
    site: () => ({
      hooks: { message: (peer, message) => void peer.send("é".repeat(Number(message.text()))) },
    }),
    async run(t) {
      const client = await t.upgraded();
      for (const n of [0, 1, 62, 63, 64, 32767, 32768, 40000]) {
        client.write(frame(TEXT, String(n)));
        const { opcode, fin, payload } = await client.frame();
        assert.deepEqual({ opcode, fin }, { opcode: TEXT, fin: true });
        assert.equal(payload.toString(), "é".repeat(n));
      }
    },
  },
  {
    id: "S1.binary",
    fact: "every buffer and view is a binary frame of exactly its bytes",
    site: () => ({
      hooks: {
        open(peer) {
          const { buffer } = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]);
          peer.send(buffer);
          peer.send(new Uint8Array(buffer, 2, 3));
          peer.send(new DataView(buffer, 1, 2));
          peer.send(new Uint16Array(buffer, 4, 1));
          peer.send(Buffer.from("abc"));
          peer.send(new Uint8Array(new SharedArrayBuffer(2)));
          peer.send(new Uint8Array());
          peer.send(new SharedArrayBuffer(1));
        },
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      const expected = [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [2, 3, 4],
        [1, 2],
        [4, 5],
        [97, 98, 99],
        [0, 0],
        [],
        [0],
      ];
      for (const bytes of expected) {
        const { opcode, payload } = await client.frame();
        assert.equal(opcode, BINARY);
        assert.deepEqual([...payload], bytes);
      }
    },
  },
  {
    id: "S1.json",
    fact: "anything else that JSON can hold is its JSON text",
    site: () => ({
      hooks: {
        open(peer) {
          const values = [{ a: [1, null] }, [1], 1, true, null, new Date(0), { toJSON: () => "j" }];
          for (const value of values) peer.send(value);
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      const expected = [
        '{"a":[1,null]}',
        "[1]",
        "1",
        "true",
        "null",
        '"1970-01-01T00:00:00.000Z"',
        '"j"',
      ];
      for (const text of expected) assert.equal(await client.text(), text);
    },
  },
  {
    id: "S1.unsendable",
    fact: "what has no JSON text is a TypeError at the call, and nothing is sent",
    site: (s) => ({
      hooks: {
        open(peer) {
          for (const [name, make] of Object.entries(UNSENDABLE)) {
            for (const how of ["send", "publish"]) {
              try {
                if (how === "send") peer.send(make());
                else peer.publish("t", make());
                s.log("accepted", name);
              } catch (error) {
                s.log("error", name, (error as Error).name, (error as Error).message);
              }
            }
          }
          peer.send("end");
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      assert.equal(await client.text(), "end");
      const errors = await t.logged("error", 2 * Object.keys(UNSENDABLE).length);
      for (const { data: [name, type, message] } of errors) {
        assert.equal(type, "TypeError", name);
        assert.match(message, /^Cannot send .* (as|: )/, name);
        assert.match(message, /send|read|await/, `${name} says what to do`);
      }
      assert.ok(!(await t.events()).includes("accepted"));
    },
  },
  {
    id: "S1.message",
    fact: "a Message is sent as what it holds: text stays text, binary binary",
    site: () => ({ hooks: { message: (peer, message) => void peer.send(message) } }),
    async run(t) {
      const client = await t.connect();
      client.send("text");
      client.send(new Uint8Array([1, 2]));
      assert.equal(await client.text(), "text");
      assert.deepEqual(await client.bytes(), new Uint8Array([1, 2]));
    },
  },
  {
    id: "S2.surrogates",
    fact: "lone surrogates are sent as U+FFFD, in text and in JSON",
    site: () => ({
      hooks: {
        open(peer) {
          peer.send("a\ud800b\udc00c😀");
          peer.send({ s: "\ud800" });
          peer.subscribe("t");
          peer.publish("t", "\udfff", { echo: true });
        },
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      const expected = ["a\ufffdb\ufffdc😀", '{"s":"\\ud800"}', "\ufffd"];
      for (const text of expected) {
        const { payload } = await client.frame();
        assert.equal(new TextDecoder("utf-8", { fatal: true }).decode(payload), text);
      }
    },
  },
  {
    id: "S3.snapshot",
    fact: "the bytes are taken at the call, also under backpressure",
    site: () => ({
      hooks: {
        message(peer) {
          const bytes = new Uint8Array(256 * 1024);
          for (let i = 1; i <= 20; i++) {
            bytes.fill(i);
            if (i % 2) peer.send(bytes);
            else peer.send(bytes.buffer);
          }
          bytes.fill(99);
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.socket.pause();
      client.send("go");
      await new Promise((go) => setTimeout(go, 150));
      client.socket.resume();
      for (let i = 1; i <= 20; i++) {
        const bytes = await client.bytes();
        assert.ok(bytes.length === 256 * 1024 && bytes.every((byte) => byte === i), `message ${i}`);
      }
    },
  },
  {
    id: "S4.result",
    fact: "send() returns the bytes queued, and -1 once the peer is not open",
    site: (s) => ({
      hooks: {
        open(peer) {
          s.log("open", peer.send("x") >= 0, peer.send("x") <= peer.bufferedAmount + 1);
        },
        message(peer) {
          const queued = peer.send(new Uint8Array(8 * 1024 * 1024));
          s.log("queued", queued, peer.bufferedAmount);
          peer.close();
          s.log("closing", peer.send("late"));
        },
        close(peer) {
          s.log("closed", peer.send("late"), peer.send({ a: 1 }), peer.bufferedAmount);
          peer.waitForDrain().then(() => s.log("nothing to wait for"));
          try {
            peer.send(undefined);
          } catch (error) {
            s.log("still checked", (error as Error).name);
          }
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.socket.pause();
      client.send("go");
      await t.logged("closing");
      client.socket.resume();
      await t.logged("nothing to wait for");
      const [open, queued, closing, closed, checked] = (await t.log()).map(({ data }) => data);
      assert.deepEqual(open, [true, true]);
      assert.ok(queued![0] > 1024 * 1024 && queued![0] === queued![1], String(queued));
      assert.deepEqual([closing, closed, checked], [[-1], [-1, -1, 0], ["TypeError"]]);
      await client.closed;
      assert.ok(!client.queued.includes("late"));
    },
  },
  {
    id: "S5.order",
    fact: "send and publish mixed arrive in the order of the calls",
    site: () => ({
      hooks: {
        message(peer) {
          peer.subscribe("t");
          for (let i = 0; i < 300; i += 3) {
            peer.send(String(i));
            peer.publish("t", String(i + 1), { echo: true });
            peer.send(Buffer.from(String(i + 2)));
          }
        },
      },
    }),
    async run(t) {
      const client = await t.connect();
      client.send("go");
      for (let i = 0; i < 300; i++) {
        assert.equal(String(Buffer.from(await client.next() as string)), `${i}`);
      }
    },
  },
  {
    id: "S6.compress",
    fact: "{ compress } is honoured where permessage-deflate was negotiated, ignored elsewhere",
    site: () => ({
      perMessageDeflate: true,
      hooks: {
        open(peer) {
          peer.send("a".repeat(5000), { compress: true });
          peer.send("b".repeat(5000), { compress: false });
          peer.subscribe("t");
          peer.publish("t", "c".repeat(5000), { compress: false, echo: true });
          peer.publish("t", "d".repeat(5000), { echo: true });
        },
      },
    }),
    async run(t) {
      for (const offer of [null, "permessage-deflate; server_no_context_takeover"]) {
        const client = await t.raw({ headers: { "Sec-WebSocket-Extensions": offer } });
        const { headers } = await client.head();
        const negotiated = headers.some(([name]) => name === "sec-websocket-extensions");
        const compressed = [];
        for (let i = 0; i < 4; i++) compressed.push((await client.frame()).rsv1);
        const expected = negotiated ? [true, false, false, true] : [false, false, false, false];
        assert.deepEqual(compressed, expected);
      }
    },
  },
  {
    id: "S6.negotiated",
    fact: "where compression is agreed on, each message is compressed by itself",
    site: () => ({ perMessageDeflate: true }),
    async run(t) {
      const client = await t.connect("", { deflate: true });
      const agreed = client.responseHeaders["sec-websocket-extensions"];
      if (agreed) assert.match(String(agreed), /^permessage-deflate;.*server_no_context_takeover/);
    },
  },
  ...Object.entries({
    "plain-offer": {},
    "no-takeover": { serverNoContextTakeover: true },
    "small-window": { serverMaxWindowBits: 10 },
    // Where the option has options: each message compressed by what the ones before have said.
    takeover: {},
  }).map(([offer, deflate]): Case => ({
    id: `S6.order-${offer}`,
    fact: "messages keep order and bytes, compressed or not, small or large",
    site: (s) => ({
      perMessageDeflate: (offer !== "takeover" ||
        { serverNoContextTakeover: false, threshold: 0 }) as boolean,
      hooks: {
        open(peer) {
          peer.subscribe("t");
          s.log("open");
        },
        message(peer) {
          for (let i = 0; i < 24; i++) {
            const compress = i % 5 !== 4;
            if (i % 2) peer.send(mixed(i), { compress });
            else peer.publish("t", mixed(i), { compress, echo: true });
          }
          peer.close(4000, "done");
        },
      },
    }),
    async run(t) {
      const clients = [await t.connect("", { deflate }), await t.connect("", { deflate })];
      await t.logged("open", 2);
      clients[0]!.send("go");
      for (const [at, client] of clients.entries()) {
        for (let i = 0; i < 24; i += at + 1) {
          const found = Buffer.from(await client.next());
          assert.ok(found.equals(Buffer.from(mixed(i))), `message ${i} of client ${at}`);
        }
      }
      assert.equal((await clients[0]!.closed).code, 4000);
    },
  })),
  {
    id: "S7.ping",
    fact: "ping(data) sends a ping frame with exactly that payload, and tells so",
    site: (s) => ({
      hooks: {
        open(peer) {
          const sent = [
            peer.ping(),
            peer.ping("é"),
            peer.ping(new Uint8Array([0, 255])),
            peer.ping("x".repeat(125)),
          ];
          s.log("sent", ...sent);
        },
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      assert.deepEqual((await t.logged("sent"))[0]!.data, [true, true, true, true]);
      const payloads = [[], [0xc3, 0xa9], [0, 255], Array(125).fill(0x78)];
      for (const payload of payloads) {
        const frame = await client.frame();
        assert.deepEqual([frame.opcode, [...frame.payload]], [PING, payload]);
      }
    },
  },
  {
    id: "S7.answered",
    fact: "a ping is answered, also one that comes while much is queued, but not behind our close",
    site: (s) => ({
      hooks: {
        message(peer, message) {
          if (message.text() === "close") return peer.close(4000, "");
          for (let i = 0; i < 14; i++) peer.send(new Uint8Array(2 ** 20));
          s.log("filled");
        },
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      client.pause();
      client.write(frame(TEXT, "fill"));
      await t.logged("filled");
      client.write(frame(PING, "still there?"));
      await sleep(50);
      client.resume();
      const frames: RawFrame[] = [];
      while (frames.length < 15) frames.push(await client.frame());
      const [answer, ...more] = frames.filter(({ opcode }) => opcode === PONG); // in between, or behind
      assert.equal(answer?.payload.toString(), "still there?");
      assert.equal(more.length, 0);
      for (const it of frames) if (it !== answer) assert.equal(it.payload.length, 2 ** 20);
      client.write(frame(TEXT, "close"));
      assert.equal((await client.frame()).opcode, CLOSE);
      client.write(frame(PING, "late"));
      await sleep(50);
      assert.equal(client.pending, 0);
    },
  },
  {
    id: "S7.pings-in-a-chunk",
    fact: "a client that sends many pings at once, and reads, is not dropped",
    site: () => ({ hooks: { message: (peer, message) => void peer.send(message) } }),
    async run(t) {
      const client = await t.upgraded();
      client.write(Buffer.concat(Array.from({ length: 200 }, () => frame(PING, "here"))));
      client.write(frame(TEXT, "and well"));
      for (let answer = await client.frame(); answer.opcode !== TEXT;) {
        assert.deepEqual([answer.opcode, answer.payload.toString()], [PONG, "here"]);
        answer = await client.frame();
      }
    },
  },
  {
    id: "S7.mistakes",
    fact: "ping() with more than 125 bytes is a RangeError, of a peer that is gone a false",
    site: (s) => ({
      hooks: {
        open(peer) {
          try {
            peer.ping("é".repeat(63));
          } catch (error) {
            s.log("threw", (error as Error).name);
          }
        },
        close: (peer) => s.log("close", peer.ping()),
      },
    }),
    async run(t) {
      const client = await t.connect();
      assert.deepEqual((await t.logged("threw"))[0]!.data, ["RangeError"]);
      client.socket.close();
      assert.deepEqual((await t.logged("close"))[0]!.data, [false]);
    },
  },
  {
    id: "S7.hooks",
    fact: "the ping and pong hooks hear what the client sends, also while open is pending",
    site: (s) => ({
      hooks: {
        open: () => s.wait("open"),
        async ping(_, data) {
          await s.wait("ping"); // the bytes are the hook's to keep
          s.log("ping", [...data]);
        },
        pong: (_, data) => s.log("pong", [...data]),
        message: () => s.log("message"),
      },
    }),
    async run(t) {
      const client = await t.upgraded();
      client.write(frame(TEXT, "x"));
      client.write(frame(PING, "one"));
      const answer = await client.frame();
      assert.deepEqual([answer.opcode, answer.payload.toString()], [PONG, "one"]);
      client.write(frame(PONG, "z".repeat(100)));
      client.write(frame(PONG, ""));
      const pongs = await t.logged("pong", 2);
      assert.deepEqual(pongs.map(({ data }) => data[0].length), [100, 0]);
      await t.release("ping");
      assert.deepEqual((await t.logged("ping"))[0]!.data, [[...Buffer.from("one")]]);
      assert.deepEqual(await t.events(), ["pong", "pong", "ping"]);
      await t.release("open");
      await t.logged("message");
    },
  },
];

/** Texts and bytes below and above what is worth compressing, and what is compressed in the background. */
function mixed(i: number): string | Uint8Array<ArrayBuffer> {
  const size = [100, 2_000, 150_000, 0, 5_000, 70_000][i % 6]!;
  return i % 4 === 3 ? new Uint8Array(size).fill(i) : `${i},`.repeat(size / 2);
}
