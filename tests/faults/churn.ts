import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import process from "node:process";
import * as v8 from "node:v8";
import * as vm from "node:vm";
import type { CaseClient } from "../harness/clients/case_client.ts";
import { CLOSE, closePayload, frame, TEXT } from "../harness/clients/raw_client.ts";
import type { Case } from "../fixtures/case.ts";
import { note } from "./figures.ts";
import { FreshServer } from "./fresh_server.ts";
import { filesAreBack, filesOf, memoryOf } from "./process_vitals.ts";

const MIB = 1024 * 1024;
const CLIENTS = 10_000, WAVE = 250;
/**
 * Number of clients before the first measurement, so that the runtime has allocated its own needs.
 */
const WARM_UP = 4000;
/** Deno 2.9 keeps a socket whose connection dropped until its time-out has passed. */
const IDLE = 1000;
/** A leaked peer costs more than 2 KiB: 6,000 would cost more than 12 MiB. */
const MAX_HEAP_GROWTH = 4 * MIB;
/** Node 24 grew by 246 MB over 40,000 clients, but by no page after the 22,000th. */
const MAX_RESIDENT_GROWTH = 64 * MIB;

/** Many clients that connect and disconnect. */
export const churn: readonly Case[] = [{
  id: "churn.connects",
  runsAlone: true, // it uses all processors
  fact: `${CLIENTS} clients that connect and leave cost no peer, file or memory afterwards`,
  server: () => ({
    limits: { idleTimeout: IDLE },
    commands: { heap: heapUsed },
    hooks: {
      open: (peer) => peer.subscribe(`topic of ${peer}`),
      message: (peer, message) => void peer.send(message),
    },
  }),
  async run(client) {
    await using fresh = await FreshServer.start(client, this.id);
    const { client: freshClient } = fresh;
    const start = performance.now();
    await come(freshClient, WARM_UP);
    await isEmpty(freshClient);
    const before = { files: filesOf(freshClient), heap: await freshClient.command<number>("heap") };
    const residentBefore = memoryOf(freshClient.server.pid).resident;
    await come(freshClient, CLIENTS - WARM_UP);
    const ms = Math.round(performance.now() - start);
    await isEmpty(freshClient);
    await filesAreBack(freshClient, before.files);
    const heap = await freshClient.command<number>("heap");
    const { resident } = memoryOf(freshClient.server.pid);
    note(this.id, {
      connects: CLIENTS,
      ms,
      filesBefore: before.files,
      filesAfter: filesOf(freshClient),
      heapBefore: before.heap,
      heapAfter: heap,
      residentBefore,
      residentAfter: resident,
    });
    assert.equal((await freshClient.stats()).opened, CLIENTS);
    assert.ok(heap - before.heap < MAX_HEAP_GROWTH, `heap: ${before.heap}, then ${heap}`);
    assert.ok(
      resident - residentBefore < MAX_RESIDENT_GROWTH,
      `resident: ${residentBefore}, then ${resident}`,
    );
  },
}];

/** Connects clients in waves, echoes to each, and ends each in one of three ways. */
async function come(client: CaseClient, count: number): Promise<void> {
  for (let left = count; left > 0; left -= WAVE) {
    await Promise.all(Array.from({ length: WAVE }, async (_, i) => {
      const raw = await client.upgraded({ target: client.path(`/${i}`) });
      raw.write(frame(TEXT, "hello"));
      await raw.frame();
      if (i % 4 === 0) raw.rst();
      else if (i % 4 === 1) raw.fin();
      else raw.write(frame(CLOSE, closePayload(1000)));
      await raw.ended();
      raw.destroy();
    }));
  }
}

async function isEmpty(client: CaseClient): Promise<void> {
  await delay(IDLE);
  for (let attempt = 0; attempt < 100; attempt++) {
    const { peers, topics, timers, namespaces } = await client.stats();
    if (peers + topics + timers + namespaces === 0) return;
    await delay(20);
  }
  throw new Error(`the server kept resources: ${JSON.stringify(await client.stats())}`);
}

/** Runs on the server, and returns the heap after a garbage collection. */
async function heapUsed(): Promise<number> {
  const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  let collect = () => Bun?.gc(true);
  if (!Bun) {
    v8.setFlagsFromString("--expose-gc");
    collect = vm.runInNewContext("gc");
  }
  for (let round = 0; round < 3; round++) {
    await delay(30);
    collect();
  }
  return process.memoryUsage().heapUsed;
}
