import assert from "node:assert/strict";
import { chosenParts, partsOf, quickParts } from "../../harness/gate/parts.ts";
import { runParts } from "../../harness/gate/run_part.ts";
import { readPart } from "../../harness/gate/junit_report.ts";
import { runtimesOf } from "../../harness/runtime_suites.ts";

const parts = partsOf(["conformance_test.ts", "layers_test.ts", "new_test.ts", "cases"]);

Deno.test("partsOf() puts every test file into one part, including files that no rule names", () => {
  const files = parts.filter(({ runtime }) => runtime === undefined).flatMap(({ files }) => files);
  assert.deepEqual(files, [
    "tests/unit/",
    "tests/layers_test.ts",
    "tests/mutation_test.ts",
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
    "conformance deno",
    "conformance node24",
  ]));

Deno.test("parts can be chosen by a test file, a runtime, or both", () => {
  const names = (...wanted: string[]) => chosenParts(parts, wanted).map(({ name }) => name);
  assert.equal(names().length, parts.length);
  assert.deepEqual(names("new"), ["new"]);
  assert.deepEqual(names("bun"), ["conformance bun"]);
  assert.deepEqual(names("conformance bun", "unit"), ["unit", "conformance bun"]);
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
  assert.ok(results.every(({ failed }) => failed === 1));
  assert.ok(results.some(({ failures }) => /no process/.test(failures[0]!.text)));
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
  assert.equal(results.length, 12);
  assert.equal(new Set(results.map(({ failures }) => failures[0]!.name)).size, 12);
  assert.equal(Math.max(...counts), 3);
  assert.equal(counts.at(-1), 1);
});
