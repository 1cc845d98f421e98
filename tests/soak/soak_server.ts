import process from "node:process";
import { runInNewContext } from "node:vm";
import { setFlagsFromString } from "node:v8";
import type { Peer } from "../../peer.ts";
import type { Case, CaseServer, CaseServerOptions } from "../fixtures/case.ts";
import { numbered } from "./numbered.ts";

/** Bytes that the server's process holds after a garbage collection. */
export interface Held {
  readonly heap: number;
  readonly external: number;
}

/** `WebSocket.OPEN`; Node 20 has no such global. */
const OPEN = 1;
const STREAMED = 16 * 1024;
const TICK_MS = 100;

/**
 * Server half of the soak. The path of a peer selects its behaviour:
 * - `/echo` sends each message back.
 * - `/rooms/<n>` publishes each message to the topic in its first character. `+t` joins the topic
 *   `t`, and `-t` leaves it.
 * - `/stream` sends numbered messages as fast as the client reads.
 */
export const soakServer: Pick<Case, "id"> & { server(server: CaseServer): CaseServerOptions } = {
  id: "soak",
  server(server) {
    let ticks = 0, ticking: ReturnType<typeof setInterval> | undefined;
    return {
      perMessageDeflate: true,
      limits: { maxPayload: 4 * 1024 * 1024, pendingBytes: 4 * 1024 * 1024 },
      hooks: {
        async open(peer) {
          const { pathname, searchParams } = new URL(peer.request.url);
          if (searchParams.has("late")) await new Promise((resolve) => setTimeout(resolve, 5));
          for (const topic of searchParams.get("topics") ?? "") peer.subscribe(topic);
          if (pathname.endsWith("/stream")) void stream(peer);
        },
        message(peer, message) {
          if (!peer.namespace.includes("/rooms/")) return void peer.send(message.rawData);
          const { rawData } = message;
          const topic = typeof rawData === "string"
            ? rawData[0]!
            : String.fromCharCode(rawData[0]!);
          if (topic !== "+" && topic !== "-") return void peer.publish(topic, rawData);
          if (topic === "+") peer.subscribe(message.text().slice(1));
          else peer.unsubscribe(message.text().slice(1));
          peer.send(rawData);
        },
      },
      commands: {
        start() {
          ticking = setInterval(
            () => server.ws.publish("t", numbered("t", "server", ++ticks, 40)),
            TICK_MS,
          );
        },
        stop: () => (clearInterval(ticking), ticks),
        held: measure,
      },
    };
  },
};

async function stream(peer: Peer): Promise<void> {
  for (let seq = 1; peer.websocket.readyState === OPEN; seq++) {
    peer.send(numbered("s", "server", seq, STREAMED));
    if (peer.bufferedAmount > 0) await peer.waitForDrain();
  }
}

async function measure(): Promise<Held> {
  const { Bun } = globalThis as { Bun?: { gc(isSynchronous: boolean): void } };
  const collect = Bun ? () => Bun.gc(true) : v8Collector();
  // A second collection frees objects that the first one finalized.
  for (let round = 0; round < 4; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}

function v8Collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
