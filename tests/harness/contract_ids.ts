import { durableCases } from "../cases/durable.ts";
import { cases } from "../cases/mod.ts";
import { sseCases } from "../cases/sse.ts";
import { sseHttp2 } from "../cases/sse_http2.ts";
import { workerCases } from "../cases/worker.ts";
import { faults } from "../faults/mod.ts";

/** Text of `docs/contract.md`. */
export const contractPage: string = await Deno.readTextFile(
  new URL("../../docs/contract.md", import.meta.url),
);

/** Ids of all cases and faults. The server finds its half of a case by the id. */
export const caseIds: readonly string[] = [
  ...cases,
  ...sseCases,
  ...sseHttp2,
  ...durableCases,
  ...workerCases,
  ...faults,
].map(({ id }) => id);

/** Returns every wrong id: two cases have this id, or its clause is not in the contract. */
export function wrongIds(page: string, ids: readonly string[]): string[] {
  const clauses = clausesOf(page);
  return [
    ...repeated(ids).map((id) => `two cases have the id ${id}`),
    ...ids.filter((id) => !clauses.includes(clauseOf(id))).map((id) => `${id} has no clause`),
  ];
}

/** Returns every disagreement between the clauses of the contract and the ids of the cases. */
export function differences(page: string, ids: readonly string[]): string[] {
  const clauses = clausesOf(page), tested = new Set(ids.map(clauseOf));
  return [
    ...repeated(clauses).map((it) => `${it} appears twice`),
    ...clauses.filter((it) => !tested.has(it)).map((it) => `${it} has no case`),
    ...wrongIds(page, ids),
  ];
}

function clausesOf(page: string): string[] {
  return [...page.matchAll(/^### (\S+)/gm)].map(([, clause]) => clause!);
}

function clauseOf(id: string): string {
  return id.split(".")[0]!;
}

function repeated(names: readonly string[]): string[] {
  return names.filter((it, index) => names.indexOf(it) < index);
}
