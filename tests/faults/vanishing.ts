import assert from "node:assert/strict";
import { type CaseClient, sleep } from "../harness/clients/case_client.ts";
import type { Case } from "../fixtures/case.ts";
import { filesAreBack, filesOf } from "./process_vitals.ts";
import { Bystander, type Step, steps, watched } from "./steps.ts";

/** Clients that vanish at any step, by the end of their process or by a reset. */
export const vanishing: readonly Case[] = steps.flatMap((step) =>
  (["fin", "rst"] as const).map((way): Case => ({
    id: `vanish.${way}-${step.name}`,
    fact: `a client that leaves by ${way.toUpperCase()} ${step.when} leaves nothing behind`,
    runsAlone: true, // open files are counted for the whole process
    server: (server) => watched(server, { maxBuffered: 64 * 1024 * 1024 }),
    async run(client) {
      const other = await Bystander.join(client);
      await other.isUntouched();
      const files = filesOf(client);
      const connections = await Promise.all(
        Array.from({ length: step.lines ?? 1 }, () => client.tcp()),
      );
      for (const raw of connections) {
        await step.reach(client, raw, other);
        raw[way]();
        raw.resume(); // a client that left by a FIN still reads the bytes on their way
      }
      await sleep(20);
      await step.after?.(client);
      await endsOnce(client, step);
      await filesAreBack(client, files);
      await other.isUntouched();
      assert.equal((await client.stats()).peers, 1);
    },
  }))
);

/** Checks that each `open` hook has one `close` hook, and that no peer means no hook. */
async function endsOnce(client: CaseClient, { hasPeer }: Step): Promise<void> {
  if (hasPeer) await client.logged("close");
  const of = (name: string, events: readonly string[]) => events.filter((it) => it === name).length;
  let events = await client.events(30);
  for (let i = 0; i < 40 && of("close", events) < of("open", events); i++) {
    events = await client.events(25);
  }
  assert.equal(of("close", events), of("open", events), events.join());
  if (hasPeer !== undefined) assert.equal(of("open", events), Number(hasPeer), events.join());
}
