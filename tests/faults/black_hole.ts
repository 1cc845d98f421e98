import assert from "node:assert/strict";
import type { CaseClient } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";
import { FarNetwork } from "./far_network.ts";
import { filesAreBack, filesOf, linesAreBack } from "./process_vitals.ts";
import { Bystander, PIECE, type Step, steps, watched } from "./steps.ts";

const IDLE = 3000;
const MIB = 1024 * 1024;

/** Steps after the handshake. Until then, the HTTP server owns the connection and its time-outs. */
const OURS = steps.filter(({ name }) => !/^(?:before|within|behind)-handshake$/.test(name));

/**
 * Connections on which nothing gets through after some step: no FIN, no RST, no acknowledgement.
 * The server can notice only silence.
 */
export const blackHole: readonly Case[] = [
  {
    id: "black-hole.files",
    fact: "clients that are cut off with all bytes acknowledged leave no descriptor behind",
    runsAlone: true,
    server: (server) => watched(server, { idleTimeout: IDLE, maxBuffered: 64 * MIB }),
    async run(client) {
      const other = await Bystander.join(client);
      await other.isUntouched();
      const files = filesOf(client);
      await using far = await FarNetwork.open(client.port);
      await vanish(client, far, OURS.filter(({ isOwed }) => !isOwed), other);
      await filesAreBack(client, files);
      await other.isUntouched();
    },
  },
  {
    id: "black-hole.lines",
    fact: "clients that are cut off with unacknowledged bytes leave no connection behind after 8 s",
    server: (server) => watched(server, { idleTimeout: IDLE, maxBuffered: 64 * MIB }),
    async run(client) {
      const other = await Bystander.join(client);
      await using far = await FarNetwork.open(client.port);
      await vanish(client, far, OURS.filter(({ isOwed }) => isOwed), other);
      await linesAreBack(client, 1, 8_000);
    },
  },
  ...OURS.map((step): Case => ({
    id: `black-hole.${step.name}`,
    fact: `a client cut off ${step.when} closes once, with ${step.code ?? 1006} at idleTimeout`,
    server: (server) => watched(server, { idleTimeout: IDLE, maxBuffered: 64 * MIB }),
    run: (client) => isEnded(client, step, step.code ?? 1006),
  })),
  {
    id: "black-hole.overflow",
    fact: "a client cut off with more than maxBuffered queued closes with 1013 before idleTimeout",
    server: (server) => watched(server, { idleTimeout: 60_000, maxBuffered: MIB }),
    run: (client) => isEnded(client, overflowing, 1013),
  },
];

const amidPublish = steps.find(({ name }) => name === "amid-publish")!;
/** More bytes than the kernels of both ends take: on Linux up to 10 MiB. */
const overflowing: Step = {
  ...amidPublish,
  async reach(client, raw, other) {
    await amidPublish.reach(client, raw, other);
    await other.publish(24 * MIB / PIECE);
  },
};

/** Takes a client to each of the steps, cuts all of them off, and waits for their ends. */
async function vanish(client: CaseClient, far: FarNetwork, at: readonly Step[], other: Bystander) {
  for (const step of at) {
    const raw = await client.tcp({ path: far.path });
    await step.reach(client, raw, other);
    await step.arrive?.(raw);
  }
  await far.cut();
  for (const step of at) await step.after?.(client);
  await client.logged("close", at.length, 8000);
}

async function isEnded(client: CaseClient, step: Step, code: number): Promise<void> {
  const other = await Bystander.join(client);
  await using far = await FarNetwork.open(client.port);
  await vanish(client, far, [step], other);
  const [close] = await client.logged("close");
  assert.equal(close!.data[0], code);
  await other.isUntouched();
  const events = await client.events(100);
  assert.equal(events.filter((event) => event === "close").length, 1, events.join());
  assert.equal((await client.stats()).peers, 1);
}
