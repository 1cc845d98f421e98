import assert from "node:assert/strict";
import { durableCases } from "./cases/durable.ts";
import { cases } from "./cases/mod.ts";
import { sseCases } from "./cases/sse.ts";
import { sseHttp2 } from "./cases/sse_http2.ts";
import { workerCases } from "./cases/worker.ts";
import { faults } from "./faults/mod.ts";

const page = await Deno.readTextFile(new URL("../docs/contract.md", import.meta.url));
const ids = [...cases, ...sseCases, ...sseHttp2, ...durableCases, ...workerCases, ...faults].map((
  { id },
) => id);

Deno.test("each clause of docs/contract.md has a case, and each case has a clause", () =>
  assert.deepEqual(differences(page, ids), []));

Deno.test("the check of docs/contract.md finds a clause without a case", () =>
  assert.deepEqual(differences(`${page}\n### C99 Planted\n`, ids), ["C99 has no case"]));

Deno.test("the check of docs/contract.md finds a case without a clause", () => {
  assert.deepEqual(differences(page, [...ids, "C99.planted"]), ["C99.planted has no clause"]);
  assert.deepEqual(
    differences(page.replace(/^### M3 .*$/m, ""), ids),
    ids.filter((id) => id.startsWith("M3.")).map((id) => `${id} has no clause`),
  );
});

Deno.test("the check of docs/contract.md finds a clause that appears twice", () =>
  assert.deepEqual(differences(`${page}\n### M3 Planted\n`, ids), ["M3 appears twice"]));

/** Returns every disagreement between the clauses of the page and the ids of the cases. */
function differences(text: string, ids: readonly string[]): string[] {
  const clauses = [...text.matchAll(/^### (\S+)/gm)].map(([, clause]) => clause!);
  const tested = new Set(ids.map((id) => id.split(".")[0]!));
  return [
    ...clauses.filter((it, index) => clauses.indexOf(it) < index).map((it) =>
      `${it} appears twice`
    ),
    ...clauses.filter((it) => !tested.has(it)).map((it) => `${it} has no case`),
    ...ids.filter((id) => !clauses.includes(id.split(".")[0]!)).map((id) => `${id} has no clause`),
  ];
}
