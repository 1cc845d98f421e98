import assert from "node:assert/strict";
import { sleep, type TestBed } from "../harness/clients/test_bed.ts";
import type { Case } from "../fixtures/case.ts";
import { filesAreBack, filesOf } from "./process_vitals.ts";
import { Bystander, type Step, steps, watched } from "./steps.ts";

/** Clients that are gone at any step, by the end of their process or by a reset. */
export const vanishing: readonly Case[] = steps.flatMap((step) =>
  (["fin", "rst"] as const).map((way): Case => ({
    id: `vanish.${way}-${step.name}`,
    fact: `a client that leaves by ${way.toUpperCase()} ${step.when} leaves nothing behind`,
    runsAlone: true, // open files are the process's
    site: (s) => watched(s, { maxBuffered: 64 * 1024 * 1024 }),
    async run(t) {
      const other = await Bystander.join(t);
      await other.isUntouched();
      const files = filesOf(t);
      const lines = await Promise.all(Array.from({ length: step.lines ?? 1 }, () => t.tcp()));
      for (const line of lines) {
        await step.reach(t, line, other);
        line[way]();
        line.resume(); // who has left by a FIN takes what is still under way
      }
      await sleep(20);
      await step.after?.(t);
      await endsOnce(t, step);
      await filesAreBack(t, files);
      await other.isUntouched();
      assert.equal((await t.stats()).peers, 1);
    },
  }))
);

/** One `close` hook for each `open` hook, and none where there was no peer. */
async function endsOnce(t: TestBed, { hasPeer }: Step): Promise<void> {
  if (hasPeer) await t.logged("close");
  const of = (name: string, events: readonly string[]) => events.filter((it) => it === name).length;
  let events = await t.events(30);
  for (let i = 0; i < 40 && of("close", events) < of("open", events); i++) {
    events = await t.events(25);
  }
  assert.equal(of("close", events), of("open", events), events.join());
  if (hasPeer !== undefined) assert.equal(of("open", events), Number(hasPeer), events.join());
}
