import { build, type Plugin } from "esbuild";
import { emit } from "../../../scripts/npm/emit.ts";

const ROOT = new URL("../../../", import.meta.url);
const CACHE = new URL("../../../.cache/built/", import.meta.url);

/** Environment variable that is set if the library is emitted for this run of the tests. */
export const LIBRARY_IS_EMITTED = "TEST_LIBRARY_IS_EMITTED";

let library: Promise<void> | undefined;

/** Emits the library as in the npm package, once for each process. */
export function emittedLibraryIsThere(): Promise<void> {
  return library ??= Deno.env.has(LIBRARY_IS_EMITTED)
    ? Promise.resolve()
    : emit(new URL("library/", CACHE));
}

/**
 * Bundles a test program into JavaScript that imports the library as in the npm package, for
 * runtimes that do not run the TypeScript source. Packages stay imports.
 *
 * @param server module to which the package's export conditions resolve `./server`.
 * @param folder folder of the bundle, from which it resolves packages.
 * @returns the path of the bundle.
 */
export async function builtProgram(
  program: URL,
  server: "node" | "bun",
  folder: URL = CACHE,
): Promise<string> {
  await emittedLibraryIsThere();
  const name = program.pathname.split("/").at(-1)!.replace(/\.ts$/, "");
  const outfile = new URL(`${name}.${server}.mjs`, folder).pathname;
  const { outputFiles } = await build({
    write: false,
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
  await replaceFile(outfile, outputFiles[0]!.contents);
  return outfile;
}

/** Writes a file in one step, as another test process may read it at the same time. */
export async function replaceFile(path: string, contents: Uint8Array): Promise<void> {
  const temporary = `${path}.${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
  await Deno.mkdir(new URL(".", `file://${path}`), { recursive: true });
  await Deno.writeFile(temporary, contents);
  await Deno.rename(temporary, path);
}

/** Resolves the library's modules to the emitted ones, which stay external. */
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
