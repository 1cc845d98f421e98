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
import { sleep } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";

/** Values without a useful JSON text, by name. */
const UNSENDABLE: Record<string, () => unknown> = {
  undefined: () => undefined,
  function: () => () => {},
  symbol: () => Symbol("s"),
  bigint: () => 1n,
  "nested bigint": () => ({ n: 1n }),
  Blob: () => new Blob(["x"]),
  stream: () => new ReadableStream(),
  promise: () => Promise.resolve("x"),
  "rejecting promise": () => Promise.reject(new Error("x")),
  Map: () => new Map([["a", 1]]),
  Set: () => new Set([1]),
  Error: () => new Error("x"),
  RegExp: () => /x/,
  iterator: () => [1].values(),
  circular: () => {
    const value: { self?: unknown } = {};
    value.self = value;
    return value;
  },
};

const DEFLATE_OPTIONS: readonly (boolean | object)[] = [
  true,
  false,
  { serverNoContextTakeover: false },
  { serverNoContextTakeover: true },
  { clientNoContextTakeover: false },
  { clientNoContextTakeover: true },
  { serverMaxWindowBits: 10 },
  { clientMaxWindowBits: 10 },
  { serverMaxWindowBits: 15, clientMaxWindowBits: 15 },
];
const DEFLATE_OFFERS: readonly string[] = [
  "",
  "; server_no_context_takeover",
  "; client_no_context_takeover",
  "; server_max_window_bits=9",
  "; server_max_window_bits=15",
  "; client_max_window_bits",
  "; client_max_window_bits=9",
  "; client_max_window_bits=15",
  "; server_max_window_bits=9, permessage-deflate; client_max_window_bits=9, permessage-deflate",
];

/** Returns the fault in the answer to one offer or several (RFC 7692 §7.1), if there is one. */
function faultOf(answer: string, offers: string): string | undefined {
  const bits = (text: string, side: string): number | undefined => {
    const match = new RegExp(`${side}_max_window_bits(?:=(\\d+))?`).exec(text);
    return match ? Number(match[1] ?? 15) : undefined;
  };
  const faults = offers.split(", ").map((offer) => {
    const server = bits(answer, "server"), client = bits(answer, "client");
    const forgets = "server_no_context_takeover";
    if (offer.includes(forgets) && !answer.includes(forgets)) return "the offer forbids takeover";
    const offered = bits(offer, "server");
    if (offered && !(server! <= offered)) return "the server's window is too large";
    if (client && !(client <= (bits(offer, "client") ?? 0))) return "the client's window";
    return undefined;
  });
  return faults.includes(undefined) ? undefined : faults[0];
}

/** S1–S7: frames on the wire for each value sent. */
export const sending: readonly Case[] = [
  {
    id: "S1.text",
    fact: "a string is one text frame, at every length boundary",
    server: () => ({
      hooks: { message: (peer, message) => void peer.send("é".repeat(Number(message.text()))) },
    }),
    async run(client) {
      const raw = await client.upgraded();
      for (const n of [0, 1, 62, 63, 64, 32767, 32768, 40000]) {
        raw.write(frame(TEXT, String(n)));
        const { opcode, fin, payload } = await raw.frame();
        assert.deepEqual({ opcode, fin }, { opcode: TEXT, fin: true });
        assert.equal(payload.toString(), "é".repeat(n));
      }
    },
  },
  {
    id: "S1.binary",
    fact: "a buffer or view is one binary frame of exactly its bytes",
    server: () => ({
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
    async run(client) {
      const raw = await client.upgraded();
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
        const { opcode, payload } = await raw.frame();
        assert.equal(opcode, BINARY);
        assert.deepEqual([...payload], bytes);
      }
    },
  },
  {
    id: "S1.json",
    fact: "any other value that JSON can express is sent as JSON text",
    server: () => ({
      hooks: {
        open(peer) {
          const values = [
            { a: [1, null] },
            [1],
            1,
            true,
            null,
            new Date(0),
            { toJSON: () => "j" },
            {},
          ];
          for (const value of values) peer.send(value);
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      const expected = [
        '{"a":[1,null]}',
        "[1]",
        "1",
        "true",
        "null",
        '"1970-01-01T00:00:00.000Z"',
        '"j"',
      ];
      for (const text of expected) assert.equal(await socket.text(), text);
    },
  },
  {
    id: "S1.unsendable",
    fact: "a value without JSON text is a TypeError at the call, and nothing is sent",
    server: (server) => ({
      hooks: {
        open(peer) {
          for (const [name, make] of Object.entries(UNSENDABLE)) {
            for (const how of ["send", "publish"]) {
              try {
                if (how === "send") peer.send(make());
                else peer.publish("t", make());
                server.log("accepted", name);
              } catch (error) {
                server.log("error", name, (error as Error).name, (error as Error).message);
              }
            }
          }
          peer.send("end");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      assert.equal(await socket.text(), "end");
      const errors = await client.logged("error", 2 * Object.keys(UNSENDABLE).length);
      for (const { data: [name, type, message] } of errors) {
        assert.equal(type, "TypeError", name);
        assert.match(message, /^Cannot send .* (as|: )/, name);
        assert.match(message, /send|read|await/, `the error for ${name} names a remedy`);
      }
      assert.ok(!(await client.events()).includes("accepted"));
    },
  },
  {
    id: "S1.message",
    fact: "a Message keeps its type when it is sent: text stays text, binary stays binary",
    server: () => ({ hooks: { message: (peer, message) => void peer.send(message) } }),
    async run(client) {
      const socket = await client.connect();
      socket.send("text");
      socket.send(new Uint8Array([1, 2]));
      assert.equal(await socket.text(), "text");
      assert.deepEqual(await socket.bytes(), new Uint8Array([1, 2]));
    },
  },
  {
    id: "S2.surrogates",
    fact: "a lone surrogate is sent as U+FFFD in text, and as an escape in JSON",
    server: () => ({
      hooks: {
        open(peer) {
          peer.send("a\ud800b\udc00c😀");
          peer.send({ s: "\ud800" });
          peer.subscribe("t");
          peer.publish("t", "\udfff", { echo: true });
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      const expected = ["a\ufffdb\ufffdc😀", '{"s":"\\ud800"}', "\ufffd"];
      for (const text of expected) {
        const { payload } = await raw.frame();
        assert.equal(new TextDecoder("utf-8", { fatal: true }).decode(payload), text);
      }
    },
  },
  {
    id: "S3.snapshot",
    fillsMemory: true,
    fact: "send() takes the bytes at the call, also under backpressure",
    server: (server) => ({
      hooks: {
        message(peer) {
          const bytes = new Uint8Array(256 * 1024);
          for (let i = 1; i <= 20; i++) {
            bytes.fill(i);
            if (i % 2) peer.send(bytes);
            else peer.send(bytes.buffer);
          }
          bytes.fill(99);
          server.log("sent");
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      await client.logged("sent");
      await new Promise((go) => setTimeout(go, 50));
      socket.socket.resume();
      for (let i = 1; i <= 20; i++) {
        const bytes = await socket.bytes();
        assert.ok(bytes.length === 256 * 1024 && bytes.every((byte) => byte === i), `message ${i}`);
      }
    },
  },
  {
    id: "S4.result",
    fact: "send() returns the number of queued bytes, and -1 if the peer is not open",
    server: (server) => ({
      hooks: {
        open(peer) {
          server.log("open", peer.send("x") >= 0, peer.send("x") <= peer.bufferedAmount + 1);
        },
        message(peer) {
          const queued = peer.send(new Uint8Array(8 * 1024 * 1024));
          server.log("queued", queued, peer.bufferedAmount);
          peer.close();
          server.log("closing", peer.send("late"));
        },
        close(peer) {
          server.log("closed", peer.send("late"), peer.send({ a: 1 }), peer.bufferedAmount);
          peer.waitForDrain().then(() => server.log("nothing to wait for"));
          try {
            peer.send(undefined);
          } catch (error) {
            server.log("still checked", (error as Error).name);
          }
        },
      },
    }),
    async run(client) {
      const socket = await client.connect();
      socket.socket.pause();
      socket.send("go");
      await client.logged("closing");
      socket.socket.resume();
      await client.logged("nothing to wait for");
      const [open, queued, closing, closed, checked] = (await client.log()).map(({ data }) => data);
      assert.deepEqual(open, [true, true]);
      assert.ok(queued![0] > 1024 * 1024 && queued![0] === queued![1], String(queued));
      assert.deepEqual([closing, closed, checked], [[-1], [-1, -1, 0], ["TypeError"]]);
      await socket.closed;
      assert.ok(!socket.queued.includes("late"));
    },
  },
  {
    id: "S5.order",
    fact: "mixed sends and publishes reach a client in the order of the calls",
    server: () => ({
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
    async run(client) {
      const socket = await client.connect();
      socket.send("go");
      for (let i = 0; i < 300; i++) {
        assert.equal(String(Buffer.from(await socket.next() as string)), `${i}`);
      }
    },
  },
  {
    id: "S6.compress",
    fact: "{ compress } has an effect if permessage-deflate was negotiated, and none otherwise",
    server: () => ({
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
    async run(client) {
      for (const offer of [null, "permessage-deflate; server_no_context_takeover"]) {
        const raw = await client.raw({ headers: { "Sec-WebSocket-Extensions": offer } });
        const { headers } = await raw.head();
        const negotiated = headers.some(([name]) => name === "sec-websocket-extensions");
        const compressed = [];
        for (let i = 0; i < 4; i++) compressed.push((await raw.frame()).rsv1);
        const expected = negotiated ? [true, false, false, true] : [false, false, false, false];
        assert.deepEqual(compressed, expected);
      }
    },
  },
  {
    id: "S6.negotiated",
    fact: "if permessage-deflate is negotiated, the response names server_no_context_takeover",
    server: () => ({ perMessageDeflate: true }),
    async run(client) {
      const socket = await client.connect("", { deflate: true });
      const agreed = socket.responseHeaders["sec-websocket-extensions"];
      if (agreed) assert.match(String(agreed), /^permessage-deflate;.*server_no_context_takeover/);
    },
  },
  ...Object.entries({
    "plain-offer": {},
    "no-takeover": { serverNoContextTakeover: true },
    "small-window": { serverMaxWindowBits: 10 },
    // With context takeover, the server compresses each message with the history of earlier ones.
    takeover: {},
  }).map(([offer, deflate]): Case => ({
    id: `S6.order-${offer}`,
    fact: "messages keep their order and bytes, compressed or not, small or large",
    server: (server) => ({
      perMessageDeflate: (offer !== "takeover" ||
        { serverNoContextTakeover: false, threshold: 0 }) as boolean,
      hooks: {
        open(peer) {
          peer.subscribe("t");
          server.log("open");
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
    async run(client) {
      const sockets = [
        await client.connect("", { deflate }),
        await client.connect("", { deflate }),
      ];
      await client.logged("open", 2);
      sockets[0]!.send("go");
      for (const [at, socket] of sockets.entries()) {
        for (let i = 0; i < 24; i += at + 1) {
          const found = Buffer.from(await socket.next());
          assert.ok(found.equals(Buffer.from(mixed(i))), `message ${i} of client ${at}`);
        }
      }
      assert.equal((await sockets[0]!.closed).code, 4000);
    },
  })),
  {
    id: "S6.options",
    fact: "each option of permessage-deflate declines or answers each offer as RFC 7692 says",
    server: () => ({
      hooks: {
        upgrade: ({ url }) => ({
          perMessageDeflate: JSON.parse(decodeURIComponent(new URL(url).search.slice(1))),
        }),
      },
    }),
    async run(client) {
      for (const options of DEFLATE_OPTIONS) {
        const target = client.path(`?${encodeURIComponent(JSON.stringify(options))}`);
        for (const parameters of DEFLATE_OFFERS) {
          const offer = `permessage-deflate${parameters}`;
          const raw = await client.raw({ target, headers: { "Sec-WebSocket-Extensions": offer } });
          const { status, headers } = await raw.head();
          const what = `${JSON.stringify(options)} and ${offer}`;
          assert.equal(status, 101, what);
          const answer = Object.fromEntries(headers)["sec-websocket-extensions"];
          if (answer) {
            assert.equal(faultOf(answer, offer), undefined, `${what}: ${answer}`);
          }
          raw.destroy();
        }
      }
    },
  },
  {
    id: "S7.ping",
    fact: "ping(data) sends a ping with exactly that payload, and returns true",
    server: (server) => ({
      hooks: {
        open(peer) {
          const sent = [
            peer.ping(),
            peer.ping("é"),
            peer.ping(new Uint8Array([0, 255])),
            peer.ping("x".repeat(125)),
          ];
          server.log("sent", ...sent);
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      assert.deepEqual((await client.logged("sent"))[0]!.data, [true, true, true, true]);
      const payloads = [[], [0xc3, 0xa9], [0, 255], Array(125).fill(0x78)];
      for (const payload of payloads) {
        const frame = await raw.frame();
        assert.deepEqual([frame.opcode, [...frame.payload]], [PING, payload]);
      }
    },
  },
  {
    id: "S7.answered",
    fact: "the server answers a ping, also while much is queued, but not after its own close",
    server: (server) => ({
      hooks: {
        message(peer, message) {
          if (message.text() === "close") return peer.close(4000, "");
          for (let i = 0; i < 14; i++) peer.send(new Uint8Array(2 ** 20));
          server.log("filled");
        },
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.pause();
      raw.write(frame(TEXT, "fill"));
      await client.logged("filled");
      raw.write(frame(PING, "still there?"));
      await sleep(50);
      raw.resume();
      const frames: RawFrame[] = [];
      while (frames.length < 15) frames.push(await raw.frame());
      const [answer, ...more] = frames.filter(({ opcode }) => opcode === PONG); // between the messages or after them
      assert.equal(answer?.payload.toString(), "still there?");
      assert.equal(more.length, 0);
      for (const it of frames) if (it !== answer) assert.equal(it.payload.length, 2 ** 20);
      raw.write(frame(TEXT, "close"));
      assert.equal((await raw.frame()).opcode, CLOSE);
      raw.write(frame(PING, "late"));
      await sleep(50);
      assert.equal(raw.pending, 0);
    },
  },
  {
    id: "S7.pings-in-a-chunk",
    fact: "a client that sends many pings at once and reads the pongs stays connected",
    server: () => ({ hooks: { message: (peer, message) => void peer.send(message) } }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(Buffer.concat(Array.from({ length: 200 }, () => frame(PING, "here"))));
      raw.write(frame(TEXT, "and well"));
      for (let answer = await raw.frame(); answer.opcode !== TEXT;) {
        assert.deepEqual([answer.opcode, answer.payload.toString()], [PONG, "here"]);
        answer = await raw.frame();
      }
    },
  },
  {
    id: "S7.mistakes",
    fact:
      "ping() with more than 125 bytes is a RangeError, and ping() of a closed peer returns false",
    server: (server) => ({
      hooks: {
        open(peer) {
          try {
            peer.ping("é".repeat(63));
          } catch (error) {
            server.log("threw", (error as Error).name);
          }
        },
        close: (peer) => server.log("close", peer.ping()),
      },
    }),
    async run(client) {
      const socket = await client.connect();
      assert.deepEqual((await client.logged("threw"))[0]!.data, ["RangeError"]);
      socket.socket.close();
      assert.deepEqual((await client.logged("close"))[0]!.data, [false]);
    },
  },
  {
    id: "S7.hooks",
    fact: "the ping and pong hooks receive the client's control frames, also while open is pending",
    server: (server) => ({
      hooks: {
        open: () => server.wait("open"),
        async ping(_, data) {
          await server.wait("ping"); // the bytes must stay valid meanwhile
          server.log("ping", [...data]);
        },
        pong: (_, data) => server.log("pong", [...data]),
        message: () => server.log("message"),
      },
    }),
    async run(client) {
      const raw = await client.upgraded();
      raw.write(frame(TEXT, "x"));
      raw.write(frame(PING, "one"));
      const answer = await raw.frame();
      assert.deepEqual([answer.opcode, answer.payload.toString()], [PONG, "one"]);
      raw.write(frame(PONG, "z".repeat(100)));
      raw.write(frame(PONG, ""));
      const pongs = await client.logged("pong", 2);
      assert.deepEqual(pongs.map(({ data }) => data[0].length), [100, 0]);
      await client.release("ping");
      assert.deepEqual((await client.logged("ping"))[0]!.data, [[...Buffer.from("one")]]);
      assert.deepEqual(await client.events(), ["pong", "pong", "ping"]);
      await client.release("open");
      await client.logged("message");
    },
  },
];

/** Texts and bytes that a server sends plain, compressed, or compressed in the background. */
function mixed(i: number): string | Uint8Array<ArrayBuffer> {
  const size = [100, 2_000, 150_000, 0, 5_000, 70_000][i % 6]!;
  return i % 4 === 3 ? new Uint8Array(size).fill(i) : `${i},`.repeat(size / 2);
}
