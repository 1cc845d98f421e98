import assert from "node:assert/strict";
import { chosenParts, partsOf, quickParts } from "../../harness/gate/parts.ts";
import { runFailedAgain, runParts } from "../../harness/gate/run_part.ts";
import { readPart } from "../../harness/gate/junit_report.ts";
import { runtimesOf } from "../../harness/runtime_suites.ts";

const parts = partsOf(["conformance_test.ts", "layers_test.ts", "new_test.ts", "cases"]);

Deno.test("partsOf() puts every test file into one part, including files that no rule names", () => {
  const files = parts.filter(({ runtime }) => runtime === undefined).flatMap(({ files }) => files);
  assert.deepEqual(files, [
    "tests/unit/",
    "tests/layers_test.ts",
    "tests/mutation_test.ts",
    "tests/unit/sync/",
    "tests/new_test.ts",
  ]);
});

Deno.test("partsOf() returns one part of the contract for each runtime", () => {
  const runtimes = parts.filter(({ name }) => name.startsWith("conformance"));
  assert.deepEqual(
    runtimes.map(({ runtime }) => runtime),
    runtimesOf.conformance.map(({ name }) => name),
  );
  for (const { files } of runtimes) assert.deepEqual(files, ["tests/conformance_test.ts"]);
});

Deno.test("the quick parts are the unit tests, and the contract on Deno and one Node", () =>
  assert.deepEqual(quickParts(parts).map(({ name }) => name), [
    "unit",
    "unit sync",
    "conformance deno",
    "conformance node24",
  ]));

Deno.test("parts can be chosen by a test file, a runtime, or both", () => {
  const names = (...wanted: string[]) => chosenParts(parts, wanted).map(({ name }) => name);
  assert.equal(names().length, parts.length);
  assert.deepEqual(names("new"), ["new"]);
  assert.deepEqual(names("bun"), ["conformance bun"]);
  assert.deepEqual(names("conformance bun", "unit"), ["unit", "unit sync", "conformance bun"]);
  assert.deepEqual(names("conform"), []);
});

Deno.test("the longest part starts first, and a part that throws counts as a failed test", async () => {
  const order: string[] = [], ended: string[] = [];
  let running = 0, most = 0;
  const results = await runParts(
    [1, 3, 2].map((seconds) => ({ name: `${seconds} s`, files: [], seconds })),
    { atOnce: 2 },
    ({ name }) => ended.push(name),
    async ({ name }) => {
      order.push(name);
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      if (name === "2 s") throw new Error("no process");
      return readPart(name, undefined, { code: 1, output: "" });
    },
  );
  assert.deepEqual(order, ["3 s", "2 s", "1 s"]);
  assert.equal(most, 2);
  assert.equal(ended.length, 3);
  const ends = [...results.values()];
  assert.ok(ends.every(({ failed }) => failed === 1));
  assert.ok(ends.some(({ failures }) => /no process/.test(failures[0]!.text)));
});

Deno.test("further parts start while the processors are idle, up to their number", async () => {
  const looks = [false, true, true, true, true, true];
  const counts: number[] = [];
  let running = 0;
  const results = await runParts(
    Array.from({ length: 12 }, (_, i) => ({ name: `${i}`, files: [], seconds: 1 })),
    {
      atOnce: 1,
      extra: 2,
      isIdle: async () => {
        await new Promise((resolve) => setTimeout(resolve));
        return looks.shift() ?? false;
      },
    },
    () => {},
    async ({ name }) => {
      counts.push(++running);
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      return readPart(name, undefined, { code: 1, output: "" });
    },
  );
  assert.equal(results.size, 12);
  const names = [...results.values()].map(({ failures }) => failures[0]!.name);
  assert.equal(new Set(names).size, 12);
  assert.equal(Math.max(...counts), 3);
  assert.equal(counts.at(-1), 1);
});

const report = (body: string) =>
  `<testsuites><testsuite><testcase name="t">${body}</testcase></testsuite></testsuites>`;
const failing = readPart("a", report("<failure>planned</failure>"), { code: 1, output: "" });
const passing = readPart("a", report(""), { code: 0, output: "" });

/** Returns results of parts `0`, `1`, …, of which the first `failed` have failed. */
function ended(count: number, failed: number) {
  return new Map(Array.from({ length: count }, (_, i) => {
    return [{ name: `${i}`, files: [], seconds: 1 }, i < failed ? failing : passing];
  }));
}

Deno.test("a failed part runs once more, alone, and counts by its second result", async () => {
  const results = ended(4, 3), order: string[] = [];
  const unstable = await runFailedAgain(
    results,
    ({ name }, { failed }) => order.push(`${name} ended with ${failed}`),
    async ({ name }) => {
      order.push(`${name} started`);
      await Promise.resolve();
      if (name === "2") throw new Error("no process");
      return name === "0" ? passing : failing;
    },
  );
  assert.deepEqual(order, [
    "0 started",
    "0 ended with 0",
    "1 started",
    "1 ended with 1",
    "2 started",
    "2 ended with 1",
  ]);
  assert.deepEqual(unstable.map(({ name }) => name), ["0"]);
  assert.deepEqual([...results.values()].map(({ failed }) => failed), [0, 1, 1, 0]);
});

Deno.test("a part that ran alone, and many failed parts, do not run again", async () => {
  for (const results of [ended(1, 1), ended(20, 7)]) {
    assert.deepEqual(await runFailedAgain(results, () => {}, () => Promise.reject()), []);
    assert.ok([...results.values()].some(({ failed }) => failed === 1));
  }
});
