import assert from "node:assert/strict";
import type { TestBed } from "../harness/clients/test_bed.ts";
import type { Case } from "../fixtures/case.ts";
import { FarNetwork } from "./far_network.ts";
import { filesAreBack, filesOf, linesAreBack } from "./process_vitals.ts";
import { Bystander, type Step, steps, watched } from "./steps.ts";

const IDLE = 2000;
const MIB = 1024 * 1024;

/** Before there is a handshake the line is the HTTP server's, and so are its time-outs. */
const OURS = steps.filter(({ name }) => !/^(?:before|within|behind)-handshake$/.test(name));

/**
 * Lines on which, from some step on, nothing gets through: no FIN, no RST, no acknowledgement. All
 * that can be noticed is silence.
 */
export const blackHole: readonly Case[] = [
  {
    id: "black-hole.files",
    fact: "clients cut off while nothing is under way to them leave no descriptor behind",
    runsAlone: true,
    site: (s) => watched(s, { idleTimeout: IDLE, maxBuffered: 64 * MIB }),
    async run(t) {
      const other = await Bystander.join(t);
      await other.isUntouched();
      const files = filesOf(t);
      await using far = await FarNetwork.open(t.port);
      await vanish(t, far, OURS.filter(({ isOwed }) => !isOwed), other);
      await filesAreBack(t, files);
      await other.isUntouched();
    },
  },
  {
    id: "black-hole.lines",
    fact: "so do, within 8 s, those cut off while bytes or a close frame were",
    site: (s) => watched(s, { idleTimeout: IDLE, maxBuffered: 64 * MIB }),
    async run(t) {
      const other = await Bystander.join(t);
      await using far = await FarNetwork.open(t.port);
      await vanish(t, far, OURS.filter(({ isOwed }) => isOwed), other);
      await linesAreBack(t, 1, 8_000);
    },
  },
  ...OURS.map((step): Case => ({
    id: `black-hole.${step.name}`,
    fact: `a client cut off ${step.when} ends once, at idleTimeout, with ${step.code ?? 1006}`,
    site: (s) => watched(s, { idleTimeout: IDLE, maxBuffered: 64 * MIB }),
    run: (t) => isEnded(t, step, step.code ?? 1006),
  })),
  {
    id: "black-hole.overflow",
    fact: "a client cut off while more than maxBuffered is queued is closed with 1013 before that",
    site: (s) => watched(s, { idleTimeout: 60_000, maxBuffered: MIB }),
    run: (t) => isEnded(t, steps.find(({ name }) => name === "amid-publish")!, 1013),
  },
];

/** Takes a client as far as each of the steps, cuts all of them off, and waits for their ends. */
async function vanish(t: TestBed, far: FarNetwork, at: readonly Step[], other: Bystander) {
  for (const step of at) {
    const line = await t.tcp({ path: far.path });
    await step.reach(t, line, other);
    await step.arrive?.(line);
  }
  await far.cut();
  for (const step of at) await step.after?.(t);
  await t.logged("close", at.length, 8000);
}

async function isEnded(t: TestBed, step: Step, code: number): Promise<void> {
  const other = await Bystander.join(t);
  await using far = await FarNetwork.open(t.port);
  await vanish(t, far, [step], other);
  const [close] = await t.logged("close");
  assert.equal(close!.data[0], code);
  await other.isUntouched();
  const events = await t.events(100);
  assert.equal(events.filter((event) => event === "close").length, 1, events.join());
  assert.equal((await t.stats()).peers, 1);
}
