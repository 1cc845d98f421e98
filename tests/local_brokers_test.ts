import assert from "node:assert/strict";
import { chosenRuntimes, runtimesOf } from "./harness/runtime_suites.ts";
import { runtimes } from "./runtimes/native.ts";
import { run } from "../scripts/npm/command.ts";

/** Brokers between threads and between processes of one machine. Each program ends by itself. */
interface Program {
  readonly fact: string;
  /** File below `tests/brokers/`. */
  readonly file: string;
  readonly says: string;
}

const programs: readonly Program[] = [
  {
    fact: "threads hear each other, also what a thread publishes just before it closes",
    file: "threads.ts",
    says: "r e a d y\n1 2 3\n2 4 6\nl a s t\n",
  },
  {
    fact: "workers hear each other, also after a crash, a late start, a busy time, and a stop",
    file: "workers.ts",
    says: [
      "the primary process does not relay messages: call setupPrimaryCluster() in the primary process",
      "relayed: to all workers",
      "crash: to all workers,after a crash",
      "busy primary: after the busy time",
      "slow: true this worker was too slow: the primary has dropped messages",
      "nodes left: 0",
      "",
    ].join("\n"),
  },
];

for (const runtime of chosenRuntimes(runtimesOf.brokers, runtimes)) {
  for (const { fact, file, says } of programs) {
    const command = await runtime.command(new URL(`./brokers/${file}`, import.meta.url));
    const missing = "missing" in command ? command.missing : undefined;
    const name = `${runtime.title}, local brokers: ${fact}`;
    if (missing !== undefined) console.error(`\n*** NOT RUN: needs ${missing}: ${name} ***\n`);
    Deno.test({
      name,
      ignore: missing !== undefined,
      async fn() {
        const [first, ...words] = command as readonly string[];
        assert.equal(await run(first!, words, { timeout: 30_000 }), says);
      },
    });
  }
}
