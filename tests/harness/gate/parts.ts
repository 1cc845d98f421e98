import { runtimesOf, type SplitFile } from "../runtime_suites.ts";

/** Tests that run in one process, in parallel with other parts. */
export interface Part {
  /** Name in the output and in `.cache/parts/`. */
  readonly name: string;
  /** Test files and folders. */
  readonly files: readonly string[];
  /** Files and folders below {@linkcode files} that another part runs. */
  readonly except?: readonly string[];
  /** Name of the only runtime on which the files run. */
  readonly runtime?: string;
  /** Approximate seconds that the part takes. The longest part starts first. */
  readonly seconds: number;
}

/** Runtimes of `deno task test:quick`. */
const QUICK_RUNTIMES = ["deno", "node24"];

/** Seconds of the files that differ much from {@linkcode USUAL_SECONDS}. */
const SECONDS: Readonly<Record<string, number>> = {
  brokers: 80,
  fleet: 40,
  soak: 35,
  faults: 30,
  chat_e2e: 25,
  partition: 25,
  sse_browser: 25,
  cloudflare_chat_e2e: 20,
  durable: 20,
  worker: 20,
  serve: 20,
  fuzz: 15,
  conformance: 15,
  middleboxes: 15,
};
const USUAL_SECONDS = 10;

/** Tests without a server of a runtime. */
const UNITS: readonly string[] = ["tests/unit/", "tests/layers_test.ts", "tests/mutation_test.ts"];
/** Unit tests that mostly wait: half of the time of all. */
const UNITS_OF_SYNC = ["tests/unit/sync/"];

/**
 * Splits the test files into parts: one for each file, or one for each runtime of a file.
 * Files that no rule names are parts too, so that no new file is omitted.
 *
 * @param files names of the files in `tests/`.
 */
export function partsOf(files: readonly string[]): Part[] {
  const parts: Part[] = [
    { name: "unit", files: UNITS, except: UNITS_OF_SYNC, seconds: 40 },
    { name: "unit sync", files: UNITS_OF_SYNC, seconds: 40 },
  ];
  for (const file of files) {
    const path = `tests/${file}`, name = file.replace(/_test\.ts$/, "");
    if (!file.endsWith("_test.ts") || UNITS.includes(path)) continue;
    const seconds = SECONDS[name] ?? USUAL_SECONDS, base = { files: [path], seconds };
    if (name in runtimesOf) {
      for (const runtime of runtimesOf[name as SplitFile]) {
        parts.push({ ...base, name: `${name} ${runtime.name}`, runtime: runtime.name });
      }
    } else parts.push({ ...base, name });
  }
  return parts;
}

/** Parts for daily work: unit tests, and the contract on Deno and one Node. */
export function quickParts(parts: readonly Part[]): Part[] {
  const names = ["unit", "unit sync", ...QUICK_RUNTIMES.map((name) => `conformance ${name}`)];
  return parts.filter(({ name }) => names.includes(name));
}

/** Returns the parts whose names are one of these texts, or contain one as a word. */
export function chosenParts(parts: readonly Part[], names: readonly string[]): Part[] {
  if (names.length === 0) return [...parts];
  return parts.filter(({ name }) =>
    names.some((wanted) => name === wanted || name.split(" ").includes(wanted))
  );
}
