import { contractRuntimes } from "./runtime_suites.ts";

/** Result of one runtime in a suite. */
interface RuntimeReport<Outcome> {
  readonly name: string;
  readonly title: string;
  readonly outcomes: readonly Outcome[];
}

/** Results of the last complete run of a suite, for the compatibility table. */
export interface Report<Outcome> {
  readonly runtimes: readonly RuntimeReport<Outcome>[];
}

/** Suites that have a report. Each is a folder of `.cache/`, with a file for each runtime. */
export const reportKinds = ["conformance", "protocol"] as const;
export type ReportKind = typeof reportKinds[number];

const CACHE = new URL("../../.cache/", import.meta.url);

/** Deletes the reports of the last run, so that a runtime that does not run has none. */
export async function deleteReports(): Promise<void> {
  for (const kind of reportKinds) {
    await Deno.remove(new URL(`${kind}/`, CACHE), { recursive: true }).catch(() => {});
  }
}

/** Writes a file for each runtime that ran in this process. */
export async function writeReport<Outcome>(
  kind: ReportKind,
  found: ReadonlyMap<string, readonly Outcome[]>,
): Promise<void> {
  const folder = new URL(`${kind}/`, CACHE);
  await Deno.mkdir(folder, { recursive: true });
  for (const { name, title } of contractRuntimes) {
    const outcomes = found.get(name);
    if (!outcomes) continue;
    const report: RuntimeReport<Outcome> = { name, title, outcomes };
    await Deno.writeTextFile(new URL(`${name}.json`, folder), JSON.stringify(report, null, 2));
  }
}

/** Reads the reports of all runtimes that have one; ends the process if none has. */
export async function readReport<Outcome>(kind: ReportKind): Promise<Report<Outcome>> {
  const runtimes: RuntimeReport<Outcome>[] = [];
  for (const { name } of contractRuntimes) {
    try {
      const text = await Deno.readTextFile(new URL(`${kind}/${name}.json`, CACHE));
      runtimes.push(JSON.parse(text));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  if (runtimes.length > 0) return { runtimes };
  console.error(`The ${kind} tests have no report yet: run \`deno task test\` first`);
  Deno.exit(1);
}
