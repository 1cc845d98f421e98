import { build, type Plugin } from "esbuild";
import { emit } from "../../../scripts/npm/emit.ts";

const ROOT = new URL("../../../", import.meta.url);
const CACHE = new URL("../../../.cache/built/", import.meta.url);

/** Environment variable that says that the library has been emitted for this run of the tests. */
export const LIBRARY_IS_EMITTED = "TEST_LIBRARY_IS_EMITTED";

let library: Promise<void> | undefined;

/** Emits the library as the npm package has it, once for each process. */
export function emittedLibraryIsThere(): Promise<void> {
  return library ??= Deno.env.has(LIBRARY_IS_EMITTED)
    ? Promise.resolve()
    : emit(new URL("library/", CACHE));
}

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

/** Writes a file in one step: another process of the tests may read it meanwhile. */
export async function replaceFile(path: string, contents: Uint8Array): Promise<void> {
  const temporary = `${path}.${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
  await Deno.mkdir(new URL(".", `file://${path}`), { recursive: true });
  await Deno.writeFile(temporary, contents);
  await Deno.rename(temporary, path);
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
