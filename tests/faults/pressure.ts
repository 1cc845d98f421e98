import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, deflateRawSync } from "node:zlib";
import { BINARY, frame, type RawClient } from "../harness/clients/raw_client.ts";
import { sleep, type TestBed } from "../harness/clients/test_bed.ts";
import type { Case, Site, SiteOptions } from "../fixtures/case.ts";
import { note } from "./figures.ts";
import { FreshServer } from "./fresh_server.ts";
import { memoryOf, resetPeak } from "./process_vitals.ts";

const { Z_SYNC_FLUSH } = constants;
const MIB = 1024 * 1024;
const CLIENTS = 20;
/** A byte that may wait, and its copies: a buffer that grows by doubling, what is put together to be written. */
const COPIES = 3;
/** `ws` 8 keeps each fragment as an object of its own, at most so many. Our own frames need no such limit. */
const KEPT_FRAGMENTS = 16 * 1024, FRAGMENT_COST = 256;
/** What a runtime takes for itself under load: garbage not yet collected, the kernel's chunks. */
const SLACK = 64 * MIB;

/** A way to press, and what the limits allow it. */
interface Pressure {
  readonly name: string;
  readonly fact: string;
  readonly site?: (s: Site) => SiteOptions;
  /** Bytes that one client may make the server keep, by its limits. */
  readonly perClient: number;
  connect(t: TestBed): Promise<RawClient>;
  press(line: RawClient): Promise<unknown>;
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
    fact: "largest messages to hooks that are pending",
    site: (s) => ({
      limits: { concurrency: 1 },
      hooks: { open: () => s.wait("never") },
    }),
    // pendingBytes, the message that did not fit any more, and the one that is coming in.
    perClient: 4 * MIB,
    connect: (t) => t.upgraded(),
    press: (line) => flood(line, MESSAGE, 30),
  },
  {
    name: "never-read",
    fact: "echoes of largest messages to clients that never read",
    site: () => ({
      limits: { maxBuffered: 2 * MIB },
      hooks: { message: (peer, message) => void peer.send(message) },
    }),
    perClient: 2 * MIB + 2 * MIB,
    connect: (t) => t.upgraded(),
    press(line) {
      line.pause();
      return flood(line, MESSAGE, 30);
    },
  },
  {
    name: "tiny-fragments",
    fact: "messages that never end, of fragments of a byte",
    perClient: KEPT_FRAGMENTS * FRAGMENT_COST,
    connect: (t) => t.upgraded(),
    press(line) {
      line.write(START);
      return flood(line, TINY_FRAGMENTS, 15);
    },
  },
  {
    name: "empty-fragments",
    fact: "messages that never end, of empty fragments",
    perClient: MIB,
    connect: (t) => t.upgraded(),
    press(line) {
      line.write(START);
      return flood(line, EMPTY_FRAGMENTS, 15);
    },
  },
  {
    name: "bombs",
    fact: "64 MiB compressed to a thousandth, whole and in fragments",
    site: () => ({ perMessageDeflate: true }),
    perClient: 2 * MIB,
    connect: (t) => t.upgraded({ headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } }),
    async press(line) {
      const bomb = bombOnce ??= deflateRawSync(Buffer.alloc(64 * MIB), {
        level: 1,
        finishFlush: Z_SYNC_FLUSH,
      });
      const half = bomb.byteLength >>> 1;
      const start = frame(BINARY, bomb.subarray(0, half), { fin: false, rsv: 4 });
      line.write(Buffer.concat([start, frame(0, bomb.subarray(half))]));
      line.write(frame(BINARY, bomb, { rsv: 4 }));
      await line.ended(5000); // it never came through
    },
  },
  {
    name: "headers",
    fact: "handshakes that never end, of one header after another",
    perClient: MIB,
    connect: (t) => t.tcp(),
    press(line) {
      line.write(`GET / HTTP/1.1\r\nHost: localhost\r\n`);
      return flood(line, HEADERS, 20);
    },
  },
];

/** Many clients at once that make the server keep as much as it will. */
export const pressure: readonly Case[] = pressures.map(
  ({ name, fact, site, perClient, connect, press }): Case => {
    const id = `pressure.${name}`;
    return {
      id,
      fact: `${fact}: memory stays within what the limits allow`,
      runsAlone: true, // what it writes keeps this process from all else
      ...(site ? { site } : {}),
      async run(t) {
        await using fresh = await FreshServer.start(t, id);
        const { bed } = fresh, { pid } = bed.server;
        const { resident } = memoryOf(pid);
        resetPeak(pid);
        const bound = CLIENTS * perClient * COPIES + SLACK;
        const lines = await Promise.all(Array.from({ length: CLIENTS }, () => connect(bed)));
        await Promise.all(lines.map(press));
        await sleep(200);
        const growth = memoryOf(pid).peak - resident;
        note(id, { clients: CLIENTS, growth, bound });
        assert.ok(growth < bound, `grew by ${growth} bytes, and at most ${bound} are allowed`);
        const other = await bed.connect(); // it is still there
        other.terminate();
      },
    };
  },
);

/** Writes until all is written, the server takes no more, or has ended the line. */
async function flood(line: RawClient, bytes: Uint8Array, times: number): Promise<void> {
  for (let i = 0; i < times && !line.isEnded; i++) {
    const isTaken = await Promise.race([line.written(bytes), sleep(500)]);
    if (isTaken !== true) return;
  }
}

function repeated(bytes: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}
