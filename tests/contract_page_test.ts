import assert from "node:assert/strict";
import { brokerCases } from "./brokers/cases.ts";
import { caseIds, contractPage as page, differences } from "./harness/contract_ids.ts";

const ids = [...caseIds, ...brokerCases.map(({ id }) => id)];

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

Deno.test("the check of docs/contract.md finds an id that two cases have", () =>
  assert.deepEqual(differences(page, [...ids, "P4.order"]), ["two cases have the id P4.order"]));
