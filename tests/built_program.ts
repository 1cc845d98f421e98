import { build } from "esbuild";

/**
 * Bundles a test program to JavaScript, for runtimes that do not strip types. Packages stay
 * imports.
 *
 * @returns the path of the bundle.
 */
export async function builtProgram(program: URL): Promise<string> {
  const name = program.pathname.split("/").at(-1)!.replace(/\.ts$/, "");
  const outfile = new URL(`../.cache/built/${name}.mjs`, import.meta.url).pathname;
  await build({
    entryPoints: [program.pathname],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "error",
  });
  return outfile;
}
