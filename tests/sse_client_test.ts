import assert from "node:assert/strict";
import sseAdapter from "../adapters/sse.ts";
import { run } from "../scripts/npm/command.ts";
import { CuttingRelay } from "./harness/clients/cutting_relay.ts";
import type { Report } from "./fixtures/sse_client.ts";
import { runtimes } from "./runtimes/native.ts";

const COUNT = 150;
const CLIENTS = ["deno", "node20", "node24", "bun"];
const program = new URL("./fixtures/sse_client.ts", import.meta.url);

/** The real client on each runtime, and a server on Deno behind a relay that cuts connections. */
for (const { title, command } of runtimes.filter(({ name }) => CLIENTS.includes(name))) {
  const words = await command(program);
  if ("missing" in words) console.error(`NOT RUN: needs ${words.missing}: SSE client on ${title}`);
  Deno.test({
    name: `SSE client on ${title}: cut connections lose no message and repeat none`,
    ignore: "missing" in words,
    async fn() {
      const server = numbersServer();
      try {
        await using relay = new CuttingRelay(server.port);
        // The relay cuts only after `open`: an earlier cut is a failed connection.
        const timer = setInterval(() => server.received.length > 0 && relay.cut(), 250);
        const url = `ws://127.0.0.1:${relay.port}/numbers`;
        const [first, ...args] = words as readonly string[];
        const said = await run(first!, [...args, url, `${COUNT}`], { timeout: 30_000 })
          .finally(() => clearInterval(timer));
        const report = JSON.parse(said) as Report;
        assert.deepEqual(report.events, ["open numbers", "close"]);
        assert.deepEqual(report.received, numbers());
        assert.deepEqual([report.code, report.reason, report.wasClean], [4000, "done", true]);
        assert.deepEqual(server.received, numbers());
        assert.deepEqual(server.hooks, ["open", "close 4000 done"]);
        assert.ok(relay.cuts >= 3, `only ${relay.cuts} connections were cut`);
      } finally {
        await server.close();
      }
    },
  });
}

/** Messages from 1 to COUNT, every tenth as bytes. */
function numbers(): (string | number[])[] {
  return Array.from({ length: COUNT }, (_, i) => (i + 1) % 10 ? `${i + 1}` : [i + 1]);
}

/** Sends the numbers to each client, and records the received messages. */
function numbersServer() {
  const received: (string | number[])[] = [];
  const hooks: string[] = [];
  const sse = sseAdapter({
    heartbeat: 1_000,
    grace: 10_000,
    handleProtocols: () => "numbers",
    hooks: {
      async open(peer) {
        hooks.push("open");
        void sendNumbers((data) => peer.send(data));
        await undefined;
      },
      message(_, { rawData }) {
        received.push(typeof rawData === "string" ? rawData : [...rawData]);
      },
      close: (_, { code, reason }) => void hooks.push(`close ${code} ${reason}`),
    },
  });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request, info) => sse.fetch(request, info),
  );
  const close = async () => {
    await sse.close();
    await server.shutdown();
  };
  return { port: server.addr.port, received, hooks, close };
}

async function sendNumbers(send: (data: string | Uint8Array) => void): Promise<void> {
  for (const number of numbers()) {
    send(typeof number === "string" ? number : new Uint8Array(number));
    await new Promise((go) => setTimeout(go, 10));
  }
}
