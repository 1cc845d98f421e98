import { contractRuntimes } from "./registration.ts";

/** What the last whole run of a suite found on the runtimes, for the compatibility table. */
export interface Report<Outcome> {
  readonly runtimes: readonly {
    readonly name: string;
    readonly title: string;
    readonly outcomes: readonly Outcome[];
  }[];
}

/** The suites that have a report, and what writes it. */
export type ReportKind = "conformance" | "protocol";

const CACHE = new URL("../../.cache/", import.meta.url);

export async function writeReport<Outcome>(
  kind: ReportKind,
  found: ReadonlyMap<string, readonly Outcome[]>,
): Promise<void> {
  const report: Report<Outcome> = {
    runtimes: contractRuntimes.flatMap(({ name, title }) => {
      const outcomes = found.get(name);
      return outcomes ? [{ name, title, outcomes }] : [];
    }),
  };
  await Deno.mkdir(CACHE, { recursive: true });
  await Deno.writeTextFile(new URL(`${kind}.json`, CACHE), JSON.stringify(report, null, 2));
}

export async function readReport<Outcome>(kind: ReportKind): Promise<Report<Outcome>> {
  try {
    return JSON.parse(await Deno.readTextFile(new URL(`${kind}.json`, CACHE)));
  } catch {
    console.error(`There is no report of the ${kind} tests yet: run \`deno task test\` first`);
    Deno.exit(1);
  }
}
