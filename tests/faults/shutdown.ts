import assert from "node:assert/strict";
import process from "node:process";
import { type CaseClient, sleep } from "../harness/clients/case_client.ts";
import type { TestSocket } from "../harness/clients/test_socket.ts";
import type { ServerProcess } from "../harness/processes/server_process.ts";
import type { Case } from "../fixtures/case.ts";
import { stopwatch } from "../harness/time_limit.ts";
import { note } from "./figures.ts";
import { FreshServer } from "./fresh_server.ts";

const ECHOERS = 20, SUBSCRIBERS = 20, JITTER = 200;
/** Long enough that a busy machine, on which the clients are slow to answer, loses no close frame. */
const TIMEOUT = 20_000;

/** Result of one client that echoes. */
interface Fate {
  readonly code: number;
  readonly sent: number;
  readonly answered: number;
}

/** A hook that ends the process. */
const exit: Case = {
  id: "shutdown.exit",
  fact: "what a hook sends right before process.exit() reaches its client and the subscribers",
  server: () => ({
    hooks: {
      open: (peer) => peer.subscribe("news"),
      message(peer, message) {
        peer.send(message);
        peer.publish("news", message);
        process.exit(0);
      },
    },
  }),
  async run(client) {
    await using fresh = await FreshServer.start(client, this.id);
    const sender = await fresh.client.connect(), other = await fresh.client.connect();
    sender.send("bye");
    assert.deepEqual(await Promise.all([sender.text(), other.text()]), ["bye", "bye"]);
    assert.equal(await fresh.client.server.exitCode, 0);
  },
};

/** The end of a busy server by SIGTERM. */
const drained: readonly Case[] = ([["default", 1001], ["restart", 1012]] as const).map(
  ([name, code]): Case => ({
    id: `shutdown.${name}`,
    runsAlone: true, // it measures time
    fact: `after SIGTERM under load every client gets ${code}, and the process exits with 0`,
    server(server) {
      let opened = 0, closed = 0;
      const options = { jitter: JITTER, timeout: TIMEOUT, ...(code === 1001 ? {} : { code }) };
      return {
        getNamespace: () => "one for all",
        hooks: {
          open(peer) {
            opened++;
            peer.subscribe("news");
          },
          message(peer, message) {
            peer.send(message);
            peer.publish("ignored", message);
          },
          close: () => void closed++,
        },
        commands: {
          publish() {
            setInterval(() => server.ws.publish("news", "x".repeat(1000)), 2).unref();
          },
          async SIGTERM() {
            await server.ws.close(options);
            console.log(`DRAINED ${opened} ${closed} ${server.ws.stats.peers}`);
          },
        },
      };
    },
    async run(client) {
      await using fresh = await FreshServer.start(client, this.id);
      const { client: freshClient } = fresh, { server } = freshClient;
      const echoing = Array.from(
        { length: ECHOERS },
        () => freshClient.connect("?echo").then(echo),
      );
      const subscribers = await Promise.all(
        Array.from({ length: SUBSCRIBERS }, () => freshClient.connect()),
      );
      await freshClient.command("publish");
      await sleep(200);
      const elapsed = stopwatch();
      Deno.kill(server.pid, "SIGTERM");
      await Promise.race(subscribers.map(({ closed }) => closed)); // the shutdown has begun
      const refused = await newcomer(freshClient);
      const fates = await Promise.all(echoing);
      const codes = await Promise.all(subscribers.map(({ closed }) => closed));
      assert.deepEqual(codes.map((it) => it.code), codes.map(() => code));
      for (const fate of fates) {
        // Deno 2.9 resets a connection if a message arrives after our close frame.
        const isReset = fate.code === 1006 && onDeno(server) && fate.sent > fate.answered;
        assert.ok(fate.code === code || isReset, `an echo client got ${fate.code}`);
      }
      assert.ok(fates.every(({ sent, answered }) => answered > 0 && sent - answered <= 1));
      assert.equal(await server.exitCode, 0);
      const ms = Math.round(elapsed());
      const everybody = ECHOERS + SUBSCRIBERS;
      assert.match(server.output, new RegExp(`DRAINED ${everybody} ${everybody} 0\\n`));
      assert.ok(ms < 3000, `the process took ${ms} ms`);
      const unanswered = fates.reduce((sum, { sent, answered }) => sum + sent - answered, 0);
      note(this.id, { clients: everybody, code, ms, refused, unanswered });
    },
  }),
);

export const shutdown: readonly Case[] = [exit, ...drained];

function onDeno({ command }: ServerProcess): boolean {
  return command.some((argument) => argument.endsWith("/fixtures/deno.ts"));
}

/** Sends each number after the echo of the previous one, until the connection ends. */
async function echo(socket: TestSocket): Promise<Fate> {
  let sent = 0, answered = 0;
  try {
    while (true) {
      socket.send(`echo ${++sent}`);
      let text: string;
      do text = await socket.text(); while (!text.startsWith("echo"));
      assert.equal(text, `echo ${sent}`);
      answered = sent;
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
  }
  const { code } = await socket.closed;
  return { code, sent, answered };
}

/**
 * Connects a late client, which must get a 503 or no connection. Returns the status, 0 for none.
 */
async function newcomer(client: CaseClient): Promise<number> {
  try {
    await Promise.race([
      client.connect(),
      sleep(1000).then(() => Promise.reject({ code: "ETIMEDOUT" })),
    ]);
  } catch (refused) {
    const { status, code } = refused as { status?: number; code?: string };
    assert.ok(status === 503 || code?.startsWith("ECONN") || code === "ETIMEDOUT", `${refused}`);
    return status ?? 0;
  }
  throw new Error("a server that is shutting down accepted a client");
}
