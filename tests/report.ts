import { contractRuntimes } from "./register.ts";
import type { Outcome } from "./suite.ts";

/** What the last whole run of the suite found, for the compatibility table. */
export interface Report {
  readonly runtimes: readonly {
    readonly name: string;
    readonly title: string;
    readonly outcomes: readonly Outcome[];
  }[];
}

const PATH = new URL("../.cache/conformance.json", import.meta.url);

export async function writeReport(found: ReadonlyMap<string, readonly Outcome[]>): Promise<void> {
  const report: Report = {
    runtimes: contractRuntimes.flatMap(({ name, title }) => {
      const outcomes = found.get(name);
      return outcomes ? [{ name, title, outcomes }] : [];
    }),
  };
  await Deno.mkdir(new URL("./", PATH), { recursive: true });
  await Deno.writeTextFile(PATH, JSON.stringify(report, null, 2));
}

export async function readReport(): Promise<Report> {
  try {
    return JSON.parse(await Deno.readTextFile(PATH));
  } catch {
    console.error("There is no report of the contract suite yet: run `deno task test` first");
    Deno.exit(1);
  }
}
