import { run, tool } from "./command.ts";
import { ROOT } from "./config.ts";

/** Compiles modules of the repository with `tsconfig.npm.json` and `options`. */
export async function compile(
  sources: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const project = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(
      project,
      JSON.stringify({
        extends: new URL("tsconfig.npm.json", ROOT).pathname,
        compilerOptions: options,
        files: sources.map((source) => new URL(source, ROOT).pathname),
      }),
    );
    await run(tool("tsc"), ["-p", project], { cwd: ROOT });
  } finally {
    await Deno.remove(project);
  }
}
