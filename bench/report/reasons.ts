import type { Cell } from "../cells.ts";

const PATH = new URL("../reasons.md", import.meta.url);

/** Why cells are missed, by hand: in `bench/reasons.md`, under `## scenario runtime`. */
export async function readReasons(): Promise<ReadonlyMap<string, string>> {
  const text = await Deno.readTextFile(PATH);
  const sections = text.split(/^## /m).slice(1);
  return new Map(sections.map((section) => {
    const end = section.indexOf("\n");
    return [section.slice(0, end).trim(), section.slice(end).trim()];
  }));
}

/** What a reason is found by. */
export function keyOf({ scenario, runtime }: Cell): string {
  return `${scenario.name} ${runtime}`;
}
