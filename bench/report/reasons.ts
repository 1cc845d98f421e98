import type { Cell } from "../cells.ts";

const PATH = new URL("../reasons.md", import.meta.url);

/** Reads the reasons for missed cells, by the headings of `bench/reasons.md`. */
export async function readReasons(): Promise<ReadonlyMap<string, string>> {
  const text = await Deno.readTextFile(PATH);
  const sections = text.split(/^## /m).slice(1);
  return new Map(sections.map((section) => {
    const end = section.indexOf("\n");
    return [section.slice(0, end).trim(), section.slice(end).trim()];
  }));
}

/** Returns the headings for the reason of a cell: its own heading, then the heading for all runtimes. */
export function keysOf({ scenario, runtime }: Cell): string[] {
  return [`${scenario.name} ${runtime}`, scenario.name];
}
