import assert from "node:assert/strict";
import { cases } from "./cases/mod.ts";
import { workerCases } from "./cases/worker.ts";
import { type Check, type Fault, partsOf, pathOf, wideChecks } from "./mutation/fault.ts";
import { faults } from "./mutation/planted/mod.ts";
import { mutate } from "./mutation/tree.ts";
import { runtimes } from "./runtimes/native.ts";
import { workers } from "./runtimes/workers.ts";

const ROOT = new URL("../", import.meta.url);

/** Returns why a check cannot find a fault, or `undefined` if it can. */
function mistakeIn(check: Check): string | undefined {
  const { kind, runtime, part } = partsOf(check);
  if (kind === "contract") {
    const known = [...runtimes, workers].find(({ name }) => name === runtime);
    if (!known) return `no runtime ${runtime}`;
    const its = known === workers ? [...cases, ...workerCases] : cases;
    return its.some(({ id }) => id.startsWith(part)) ? undefined : `no case ${part}`;
  }
  return pathOf(check, ROOT) ? undefined : `no test ${check}`;
}

Deno.test("Every planted fault applies to the current code", async () => {
  const stale: string[] = [];
  for (const fault of faults) {
    try {
      mutate(fault, await Deno.readTextFile(new URL(fault.file, ROOT)));
    } catch (error) {
      stale.push((error as Error).message);
    }
  }
  assert.deepEqual(stale, []);
});

Deno.test("Every planted fault has a unique id, and names tests that exist", () => {
  assert.equal(new Set(faults.map(({ id }) => id)).size, faults.length);
  for (const fault of faults) {
    assert.notEqual(fault.caughtBy.length, 0, fault.id);
    for (const check of [...fault.caughtBy, ...wideChecks(fault)]) {
      assert.equal(mistakeIn(check), undefined, `${fault.id}: ${check}`);
    }
  }
});

Deno.test("mutate() throws if a fault is stale, ambiguous or changes nothing", () => {
  const fault: Fault = {
    id: "x",
    file: "pubsub/hub.ts",
    what: "",
    find: "one",
    replace: "two",
    caughtBy: ["unit"],
  };
  assert.equal(mutate(fault, "just one."), "just two.");
  assert.throws(() => mutate(fault, "nothing"), /x is stale.*hub\.ts.*never/);
  assert.throws(() => mutate(fault, "one and one"), /x is stale.*2 times/);
  assert.throws(() => mutate({ ...fault, find: "" }, "one"), /x is stale/);
  assert.throws(() => mutate({ ...fault, replace: "one" }, "one"), /x is stale/);
});
