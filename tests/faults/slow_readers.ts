import assert from "node:assert/strict";
import { sleep } from "../harness/clients/case_client.ts";
import type { TestSocket } from "../harness/clients/test_socket.ts";
import type { Case } from "../fixtures/case.ts";
import { note } from "./figures.ts";
import { FreshServer } from "./fresh_server.ts";
import { linesAreBack, memoryOf, resetPeak } from "./process_vitals.ts";

const MIB = 1024 * 1024;
const SLOW = 10, FAST = 4;
const MAX_BUFFERED = 2 * MIB;
const PIECE = 16 * 1024, PIECES = 20, ROUNDS = 60;
/** Copies of each waiting byte, including the runtime's own buffers. */
const COPIES = 3;
/** Bytes that a runtime may need meanwhile, above all uncollected garbage. */
const SLACK = 64 * MIB;

/**
 * Longest time in which a runtime ends the connection. Bun 1.4 and uWebSockets.js 20.30 take 12 s by
 * themselves, and uWebSockets.js 20.57 takes 32 s.
 */
const REFUSED_MS = 40_000;

/** Clients that read a byte a second, or nothing. */
export const slowReaders: readonly Case[] = [{
  id: "slow.refused",
  maxMs: 50_000,
  fact: "a client that does not read its refusal is disconnected, also if the refusal has 8 MiB",
  server: (server) => ({
    limits: { handshakeTimeout: 1000 },
    hooks: {
      upgrade() {
        server.log("upgrade");
        return new Response(new Uint8Array(8 * MIB), { status: 403 });
      },
    },
  }),
  async run(client) {
    const raw = await client.tcp();
    raw.pause();
    raw.handshake({ target: client.path() });
    await client.logged("upgrade");
    await linesAreBack(client, 0, REFUSED_MS);
  },
}, {
  id: "slow.byte-a-second",
  runsAlone: true, // it measures time
  fact: "subscribers that read a byte a second cost maxBuffered each, and do not slow down others",
  server: () => ({
    limits: { maxBuffered: MAX_BUFFERED, overflow: "drop" },
    getNamespace: () => "one for all",
    hooks: {
      open: (peer) => peer.subscribe("news"),
      message(peer) {
        for (let i = 0; i < PIECES; i++) {
          peer.publish("news", new Uint8Array(PIECE), { echo: true });
        }
      },
    },
  }),
  async run(client) {
    await using fresh = await FreshServer.start(client, this.id);
    const { client: freshClient } = fresh, { pid } = freshClient.server;
    const fast = await Promise.all(Array.from({ length: FAST }, () => freshClient.connect()));
    const alone = await publishTo(fast);
    const slow = await Promise.all(Array.from({ length: SLOW }, () => freshClient.upgraded()));
    for (const raw of slow) raw.pause();
    const sipping = setInterval(() => slow.forEach((raw) => raw.sip(1)), 1000);
    try {
      const { resident } = memoryOf(pid);
      resetPeak(pid);
      const among = await publishTo(fast);
      const growth = memoryOf(pid).peak - resident;
      const bound = SLOW * MAX_BUFFERED * COPIES + SLACK;
      note(this.id, { growth, bound, alone, among });
      assert.ok(growth < bound, `memory grew by ${growth} bytes, at most ${bound} are allowed`);
      assert.ok(among < 4 * alone + 1000, `took ${among} ms, but ${alone} ms without slow readers`);
      const { peers, drops } = await freshClient.stats();
      assert.equal(peers, SLOW + FAST);
      assert.ok(drops > 0, "no message for a slow reader was dropped");
    } finally {
      clearInterval(sipping);
    }
  },
}];

/** Publishes round by round, as fast as these clients read. Returns the milliseconds. */
async function publishTo(sockets: readonly TestSocket[]): Promise<number> {
  const start = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    sockets[0]!.send("go");
    await Promise.all(sockets.map(async (socket) => {
      for (let i = 0; i < PIECES; i++) await socket.next(5000);
    }));
    await sleep(0);
  }
  return Math.round(performance.now() - start);
}
