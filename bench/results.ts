import type { Line } from "./load_generator.ts";

/** What one scenario gave on one runtime. */
export interface Result {
  readonly scenario: string;
  readonly runtime: string;
  /** When it ended, in ISO 8601. */
  readonly date: string;
  readonly seconds: number;
  /** What the load generator said of each server. */
  readonly lines: readonly Line[];
  /** Of `dispatch`: nanoseconds for each message, a figure for each repetition. */
  readonly nanoseconds?: readonly number[];
}

const PATH = new URL("../.cache/bench.json", import.meta.url);

/** All results so far, those of earlier runs too: a run replaces what it measured again. */
export class Results {
  readonly #results: Map<string, Result>;

  private constructor(results: readonly Result[]) {
    this.#results = new Map(results.map((it) => [keyOf(it.scenario, it.runtime), it]));
  }

  /** Reads what there is. */
  static async read(): Promise<Results> {
    const text = await Deno.readTextFile(PATH).catch(() => "[]");
    return new Results(JSON.parse(text));
  }

  find(scenario: string, runtime: string): Result | undefined {
    return this.#results.get(keyOf(scenario, runtime));
  }

  get all(): Result[] {
    return [...this.#results.values()];
  }

  /** Keeps a result, here and on disk. */
  async keep(result: Result): Promise<void> {
    this.#results.set(keyOf(result.scenario, result.runtime), result);
    await Deno.mkdir(new URL("./", PATH), { recursive: true });
    await Deno.writeTextFile(PATH, JSON.stringify(this.all));
  }
}

function keyOf(scenario: string, runtime: string): string {
  return `${scenario} ${runtime}`;
}
