import type { Runtime } from "../../runtimes/native.ts";
import { emittedLibraryIsThere } from "../processes/built_program.ts";
import { runtimesOf } from "../runtime_suites.ts";
import type { Part } from "./parts.ts";

/**
 * Prepares shared files before the parts run: emits the library as for the npm package, and fetches
 * the binaries of the runtimes in parallel.
 */
export async function prepare(parts: readonly Part[]): Promise<void> {
  const names = new Set(parts.map(({ runtime }) => runtime));
  const isWhole = parts.some(({ name, runtime }) =>
    !name.startsWith("unit") && runtime === undefined
  );
  const all: Runtime[] = Object.values(runtimesOf).flat();
  const wanted = new Set(all.filter(({ name }) => isWhole || names.has(name)));
  await emittedLibraryIsThere();
  await Promise.all([...wanted].map((runtime) => runtime.command()));
}
