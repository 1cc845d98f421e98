import type { Trial } from "./durable/trials.ts";
import type { Line } from "./load_generator.ts";
import type { Machine } from "./machine.ts";
import type { RuntimeName } from "./runtimes.ts";

/** The result of one scenario on one runtime. */
export interface Result {
  readonly scenario: string;
  readonly runtime: RuntimeName;
  /** End of the measurement, in ISO 8601. */
  readonly date: string;
  readonly seconds: number;
  /** Lines of the load generator, or trials of Durable Objects. */
  readonly lines: readonly (Line | Trial)[];
  /** Only for `dispatch`: nanoseconds per message, one figure per repetition. */
  readonly nanoseconds?: readonly number[];
}

interface File {
  readonly machine: Machine;
  readonly results: readonly Result[];
}

const PATH = new URL("../.cache/bench.json", import.meta.url);

/** All results, also of earlier runs. A run replaces the results that it measures again. */
export class Results {
  readonly machine: Machine;
  readonly #results: Map<string, Result>;

  private constructor(machine: Machine, results: readonly Result[]) {
    this.machine = machine;
    this.#results = new Map(results.map((it) => [keyOf(it.scenario, it.runtime), it]));
  }

  /** Reads the stored results. A new run passes its machine. */
  static async read(machine?: Machine): Promise<Results> {
    const text = await Deno.readTextFile(PATH).catch(() => undefined);
    const file: File | undefined = text && JSON.parse(text);
    const found = machine ?? file?.machine;
    if (!found) throw new Error("There are no results yet: run `deno task bench` first");
    const versions = { ...file?.machine.versions, ...found.versions };
    return new Results({ ...found, versions }, file?.results ?? []);
  }

  find(scenario: string, runtime: RuntimeName): Result | undefined {
    return this.#results.get(keyOf(scenario, runtime));
  }

  get all(): readonly Result[] {
    return [...this.#results.values()];
  }

  /** The day of the measurements, or the first and the last day. */
  get days(): string {
    const days = this.all.map(({ date }) => date.slice(0, 10)).sort();
    return [...new Set([days.at(0), days.at(-1)])].join(" to ");
  }

  /** Stores a result, in memory and on disk. */
  async keep(result: Result): Promise<void> {
    this.#results.set(keyOf(result.scenario, result.runtime), result);
    const file: File = { machine: this.machine, results: this.all };
    await Deno.mkdir(new URL("./", PATH), { recursive: true });
    await Deno.writeTextFile(PATH, JSON.stringify(file));
  }
}

function keyOf(scenario: string, runtime: string): string {
  return `${scenario} ${runtime}`;
}
