import { run } from "../../scripts/npm/command.ts";
import type { CaseResult } from "./program.ts";

/** Milliseconds for all cases of one driver. */
const MAX_MS = 300_000;
/** Drivers that are tested at the same time. Most of their time is waiting. */
const AT_ONCE = 2;

/** The programs of a runtime: one for each driver, which start with the first test. */
export class DriverPrograms {
  readonly #command: readonly string[];
  readonly #names: string[] = [];
  #results: Map<string, Promise<Map<string, CaseResult>>> | undefined;

  constructor(command: readonly string[]) {
    this.#command = command;
  }

  /** Adds the program of a driver. Only before the first test. */
  add(driver: string): void {
    this.#names.push(driver);
  }

  /** Returns the results of a driver, by case. */
  resultsOf(driver: string): Promise<Map<string, CaseResult>> {
    return (this.#results ??= this.#start()).get(driver)!;
  }

  #start() {
    const lanes: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
    return new Map(this.#names.map((driver, i) => {
      const results = lanes[i % AT_ONCE]!.then(() => this.#run(driver));
      lanes[i % AT_ONCE] = results.catch(() => {});
      return [driver, results];
    }));
  }

  async #run(driver: string): Promise<Map<string, CaseResult>> {
    const [command, ...args] = this.#command;
    const output = await run(command!, [...args, driver], { timeout: MAX_MS });
    const results = output.trim().split("\n").map((line) => JSON.parse(line) as CaseResult);
    return new Map(results.map((result) => [result.id, result]));
  }
}
