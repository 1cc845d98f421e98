import type { Cell } from "../cells.ts";

const PATH = new URL("../reasons.md", import.meta.url);

/** Why cells are missed, by hand, by the headings of `bench/reasons.md`. */
export async function readReasons(): Promise<ReadonlyMap<string, string>> {
  const text = await Deno.readTextFile(PATH);
  const sections = text.split(/^## /m).slice(1);
  return new Map(sections.map((section) => {
    const end = section.indexOf("\n");
    return [section.slice(0, end).trim(), section.slice(end).trim()];
  }));
}

/** Headings that a cell's reason may stand under: its own, then that of all runtimes. */
export function keysOf({ scenario, runtime }: Cell): string[] {
  return [`${scenario.name} ${runtime}`, scenario.name];
}
