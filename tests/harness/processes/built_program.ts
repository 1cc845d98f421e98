import { build, type Plugin } from "esbuild";
import { emit } from "../../../scripts/npm/emit.ts";

const ROOT = new URL("../../../", import.meta.url);
const CACHE = new URL("../../../.cache/built/", import.meta.url);

let library: Promise<void> | undefined;

/**
 * Bundles a test program to JavaScript over the library as it is in the npm package: as the
 * runtimes get it that cannot run its source, or are not asked to. Packages stay imports.
 *
 * @param server what the package's condition makes of `./server` there.
 * @param folder where the bundle is put: it finds packages from there.
 * @returns the path of the bundle.
 */
export async function builtProgram(
  program: URL,
  server: "node" | "bun",
  folder: URL = CACHE,
): Promise<string> {
  await (library ??= emit(new URL("library/", CACHE)));
  const name = program.pathname.split("/").at(-1)!.replace(/\.ts$/, "");
  const outfile = new URL(`${name}.${server}.mjs`, folder).pathname;
  await build({
    entryPoints: [program.pathname],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    plugins: [emittedLibrary(server)],
    logLevel: "error",
  });
  return outfile;
}

/** Takes the emitted modules for the library's own, and leaves them as they are. */
function emittedLibrary(server: string): Plugin {
  return {
    name: "emitted library",
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
        const { pathname } = new URL(path, `file://${resolveDir}/`);
        const below = pathname.slice(ROOT.pathname.length);
        if (/^(?:bench|examples|scripts|tests)\/|^\.\.|^\./.test(below) || !below.endsWith(".ts")) {
          return undefined;
        }
        const emitted = below.replace("server/mod.ts", `server/${server}.ts`)
          .replace(/\.ts$/, ".js");
        return { path: new URL(`library/${emitted}`, CACHE).pathname, external: true };
      });
    },
  };
}
