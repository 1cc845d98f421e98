import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, deflateRawSync } from "node:zlib";
import { BINARY, frame, type RawClient } from "../harness/clients/raw_client.ts";
import { type CaseClient, sleep } from "../harness/clients/case_client.ts";
import type { Case, CaseServer, CaseServerOptions } from "../fixtures/case.ts";
import { note } from "./figures.ts";
import { FreshServer } from "./fresh_server.ts";
import { memoryOf, resetPeak } from "./process_vitals.ts";

const { Z_SYNC_FLUSH } = constants;
const MIB = 1024 * 1024;
const CLIENTS = 20;
/** Copies of each waiting byte: in a buffer that doubles, and in a chunk to be written. */
const COPIES = 3;
/**
 * `ws` 8 keeps each fragment as an object, at most this many. The framing of this library needs no
 * such limit.
 */
const KEPT_FRAGMENTS = 16 * 1024, FRAGMENT_COST = 256;
/** Bytes that a runtime needs under load: uncollected garbage, chunks from the kernel. */
const SLACK = 64 * MIB;

/** A way to make the server keep bytes, and the bound that the limits set. */
interface Pressure {
  readonly name: string;
  readonly fact: string;
  readonly server?: (server: CaseServer) => CaseServerOptions;
  /** Bytes that one client may make the server keep, by its limits. */
  readonly perClient: number;
  connect(client: CaseClient): Promise<RawClient>;
  press(raw: RawClient): Promise<unknown>;
}

const MESSAGE = frame(BINARY, new Uint8Array(MIB));
const EMPTY_FRAGMENTS = repeated(frame(0, "", { fin: false }), 20_000);
const TINY_FRAGMENTS = repeated(frame(0, "x", { fin: false }), 20_000);
const START = frame(BINARY, "x", { fin: false });
const HEADERS = repeated(Buffer.from(`x-header: ${"y".repeat(1000)}\r\n`), 1000);

let bombOnce: Buffer | undefined;

const pressures: readonly Pressure[] = [
  {
    name: "pending-hooks",
    fact: "messages of maximum size to pending hooks",
    server: (server) => ({
      limits: { concurrency: 1 },
      hooks: { open: () => server.wait("never") },
    }),
    // pendingBytes, the message that exceeded it, and the message that is arriving.
    perClient: 4 * MIB,
    connect: (client) => client.upgraded(),
    press: (raw) => flood(raw, MESSAGE, 30),
  },
  {
    name: "never-read",
    fact: "echoes of maximum size to clients that never read",
    server: () => ({
      limits: { maxBuffered: 2 * MIB },
      hooks: { message: (peer, message) => void peer.send(message) },
    }),
    perClient: 2 * MIB + 2 * MIB,
    connect: (client) => client.upgraded(),
    press(raw) {
      raw.pause();
      return flood(raw, MESSAGE, 30);
    },
  },
  {
    name: "tiny-fragments",
    fact: "endless messages of fragments of a byte",
    perClient: KEPT_FRAGMENTS * FRAGMENT_COST,
    connect: (client) => client.upgraded(),
    press(raw) {
      raw.write(START);
      return flood(raw, TINY_FRAGMENTS, 15);
    },
  },
  {
    name: "empty-fragments",
    fact: "endless messages of empty fragments",
    perClient: MIB,
    connect: (client) => client.upgraded(),
    press(raw) {
      raw.write(START);
      return flood(raw, EMPTY_FRAGMENTS, 15);
    },
  },
  {
    name: "bombs",
    fact: "messages that inflate to 64 MiB, a thousand times their size, whole and in fragments",
    server: () => ({ perMessageDeflate: true }),
    perClient: 2 * MIB,
    connect: (client) =>
      client.upgraded({ headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } }),
    async press(raw) {
      const bomb = bombOnce ??= deflateRawSync(Buffer.alloc(64 * MIB), {
        level: 1,
        finishFlush: Z_SYNC_FLUSH,
      });
      const half = bomb.byteLength >>> 1;
      const start = frame(BINARY, bomb.subarray(0, half), { fin: false, rsv: 4 });
      raw.write(Buffer.concat([start, frame(0, bomb.subarray(half))]));
      raw.write(frame(BINARY, bomb, { rsv: 4 }));
      await raw.ended(5000); // the server refused the message
    },
  },
  {
    name: "headers",
    fact: "handshakes whose headers never end",
    perClient: MIB,
    connect: (client) => client.tcp(),
    press(raw) {
      raw.write(`GET / HTTP/1.1\r\nHost: localhost\r\n`);
      return flood(raw, HEADERS, 20);
    },
  },
];

/** Many clients that make the server keep as many bytes as the limits allow. */
export const pressure: readonly Case[] = pressures.map(
  ({ name, fact, server, perClient, connect, press }): Case => {
    const id = `pressure.${name}`;
    return {
      id,
      fact: `memory stays within the bound of the limits under ${fact}`,
      runsAlone: true, // its writes keep this process busy
      ...(server ? { server } : {}),
      async run(client) {
        await using fresh = await FreshServer.start(client, id);
        const { client: freshClient } = fresh, { pid } = freshClient.server;
        const { resident } = memoryOf(pid);
        resetPeak(pid);
        const bound = CLIENTS * perClient * COPIES + SLACK;
        const connections = await Promise.all(
          Array.from({ length: CLIENTS }, () => connect(freshClient)),
        );
        await Promise.all(connections.map(press));
        await sleep(200);
        const growth = memoryOf(pid).peak - resident;
        note(id, { clients: CLIENTS, growth, bound });
        assert.ok(growth < bound, `memory grew by ${growth} bytes, at most ${bound} are allowed`);
        const other = await freshClient.connect(); // the server still accepts clients
        other.terminate();
      },
    };
  },
);

/** Writes until all is written, the server stops reading, or the connection ends. */
async function flood(raw: RawClient, bytes: Uint8Array, times: number): Promise<void> {
  for (let i = 0; i < times && !raw.isEnded; i++) {
    const isTaken = await Promise.race([raw.written(bytes), sleep(500)]);
    if (isTaken !== true) return;
  }
}

function repeated(bytes: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}
