import { builtProgram } from "../tests/harness/processes/built_program.ts";
import { runtimes } from "../tests/runtimes/native.ts";
import { versionOf } from "../tests/runtimes/versions.ts";
import { programCommand, WORKERD_DATE } from "../tests/harness/processes/workerd.ts";
import { DENO_CONFIG, FOLDER } from "./packages.ts";

/** A runtime of the bench. */
export interface BenchRuntime {
  /** Argument of `deno task bench`. */
  readonly name: RuntimeName;
  readonly title: string;
  /** Title in charts. */
  readonly short: string;
  /** Command that runs a program of the bench. Throws if the runtime is missing. */
  command(program: URL): Promise<readonly string[]>;
  /** Versions, if the runtime cannot report them by a program. */
  readonly versions?: Readonly<Record<string, string>>;
}

/** A runtime whose servers are processes. */
type ProcessName = "deno" | "node" | "uws" | "bun";

export type RuntimeName = ProcessName | "durable";

/** Flags that let a program collect garbage, and import the compared packages. */
const FLAGS: Readonly<Record<ProcessName, readonly string[]>> = {
  deno: ["--v8-flags=--expose-gc", "--config", DENO_CONFIG.pathname],
  node: ["--expose-gc"],
  uws: ["--expose-gc"],
  bun: [],
};

export const benchRuntimes: readonly BenchRuntime[] = [
  runtime("deno", "Deno", "Deno", "deno"),
  // The oldest maintained version, and the version for which uWebSockets.js is built.
  runtime("node", "Node", "Node", "node20"),
  runtime("uws", "Node (uWebSockets.js)", "Node (uWS)", "uws"),
  runtime("bun", "Bun", "Bun", "bun"),
];

/** Durable Objects of Cloudflare on workerd, which have scenarios of their own. */
export const durableObjects: BenchRuntime = {
  name: "durable",
  title: "Durable Objects",
  short: "Durable Objects",
  versions: { workerd: versionOf("workerd") },
  async command(program) {
    const built = await builtProgram(program, "node", folderOf(program));
    const name = `bench-${program.pathname.split("/").at(-2)}`;
    const command = await programCommand(name, DURABLE.replace("PROGRAM", built), DATE);
    if (!command) throw new Error("Cannot run Durable Objects: needs workerd for Linux on x64");
    return command;
  },
};

const DATE = { date: WORKERD_DATE };

const DURABLE = `
  import { DurableObject } from "cloudflare:workers";
  import unsafe from "workerd:unsafe";
  import { benchObject, benchWorker, classOf } from "PROGRAM";
  export const Room = benchObject(classOf, DurableObject);
  export default benchWorker((stub) => unsafe.evict(stub));`;

export const allRuntimes: readonly BenchRuntime[] = [...benchRuntimes, durableObjects];

function runtime(name: ProcessName, title: string, short: string, tested: string): BenchRuntime {
  return {
    name,
    title,
    short,
    async command(program) {
      const folder = folderOf(program);
      const command = await runtimes.find((it) => it.name === tested)!.command(program, folder);
      if ("missing" in command) throw new Error(`Cannot run ${title}: needs ${command.missing}`);
      return [...command.slice(0, -1), ...FLAGS[name], command.at(-1)!];
    },
  };
}

/** Folder in which a program is built: one per toolkit, with a program per runtime. */
function folderOf(program: URL): URL {
  return new URL(`${program.pathname.split("/").at(-2)}/`, FOLDER);
}
