/**
 * Runs cases of the contract on one runtime up to the first failure: `contract.ts RUNTIME PREFIX`.
 * With a third argument, runs all. Prints failures like `deno test --reporter=tap`.
 *
 * @module
 */
import { cases } from "../cases/mod.ts";
import { workerCases } from "../cases/worker.ts";
import { runtimes } from "../runtimes/native.ts";
import { runSuite } from "../harness/suite.ts";
import { workers } from "../runtimes/workers.ts";

const [name, prefix = "", all] = Deno.args;
const runtime = [...runtimes, workers].find((it) => it.name === name);
const known = runtime === workers ? [...cases, ...workerCases] : cases;
const chosen = known.filter(({ id }) => id.startsWith(prefix));
if (!runtime || chosen.length === 0) throw new Error(`There is no case ${prefix} on ${name}`);

let failures = 0;
const outcomes = await runSuite(runtime, chosen, {
  onOutcome({ id, status, fact }) {
    if (status !== "failed") return;
    console.log(`not ok ${++failures} - ${id}: ${fact}`);
    if (!all) Deno.exit(1);
  },
});
if ("missing" in outcomes) throw new Error(`${runtime.title} is missing: ${outcomes.missing}`);
Deno.exit(failures > 0 ? 1 : 0);
