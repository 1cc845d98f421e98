import { NODE_MAJORS } from "../../tests/runtimes/native.ts";
import { pinnedBinary } from "../../tests/runtimes/versions.ts";
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

/**
 * Returns all runtimes. Downloads the runtimes that this machine lacks. A Node on this machine
 * replaces the one of the same major version.
 */
export async function npmRuntimes(): Promise<readonly NpmRuntime[]> {
  const own = await nodeMajor();
  const nodes = NODE_MAJORS.map(async (major) => {
    const node = major === own ? "node" : await pinnedBinary(`node${major}`, "bin/node");
    return runtime(`Node ${major}`, node && [node], "node", major >= 22);
  });
  const bun = pinnedBinary("bun", "bin/bun")
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
