import { runtimes } from "../tests/runtimes.ts";
import { DENO_CONFIG, FOLDER } from "./packages.ts";

/** A runtime that is measured. */
export interface BenchRuntime {
  /** Argument of `deno task bench`. */
  readonly name: RuntimeName;
  readonly title: string;
  /** For charts. */
  readonly short: string;
  /** Words that run a program of the bench; throws where this machine has none. */
  command(program: URL): Promise<readonly string[]>;
}

export type RuntimeName = "deno" | "node" | "uws" | "bun";

/** Flags that let a program collect garbage, and find what it is compared with. */
const FLAGS: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["--v8-flags=--expose-gc", "--config", DENO_CONFIG.pathname],
  node: ["--expose-gc"],
  uws: ["--expose-gc"],
  bun: [],
};

export const benchRuntimes: readonly BenchRuntime[] = [
  runtime("deno", "Deno", "Deno", "deno"),
  // The oldest that is maintained, and the one that uWebSockets.js is built for.
  runtime("node", "Node", "Node", "node20"),
  runtime("uws", "Node (uWebSockets.js)", "Node (uWS)", "uws"),
  runtime("bun", "Bun", "Bun", "bun"),
];

function runtime(name: RuntimeName, title: string, short: string, tested: string): BenchRuntime {
  return {
    name,
    title,
    short,
    async command(program) {
      const folder = new URL(`${program.pathname.split("/").at(-2)}/`, FOLDER);
      const command = await runtimes.find((it) => it.name === tested)!.command(program, folder);
      if ("missing" in command) throw new Error(`Cannot run ${title}: needs ${command.missing}`);
      return [...command.slice(0, -1), ...FLAGS[name], command.at(-1)!];
    },
  };
}
