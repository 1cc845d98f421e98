import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build, stop } from "esbuild";
import { answer } from "./pages.ts";

const CLIENT = fileURLToPath(new URL("./client/", import.meta.url));

/** Bundles the page once, and returns the handler for plain HTTP requests. */
export async function loadSite(): Promise<(request: Request) => Response> {
  const assets = new Map<string, string>();
  for (const name of ["index.html", "style.css", "icon.svg"]) {
    assets.set(name, await readFile(CLIENT + name, "utf8"));
  }
  for (const [name, code] of await bundle()) assets.set(name, code);
  return (request) => answer(request, assets);
}

async function bundle(): Promise<[name: string, code: string][]> {
  const { outputFiles } = await build({
    // The theme is a separate script because it must run before the first paint.
    entryPoints: { main: `${CLIENT}main.ts`, theme: `${CLIENT}first_paint.ts` },
    outdir: CLIENT,
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    // `deno task demo` installs the two packages of the chat here, and no package of the project's root.
    nodePaths: [fileURLToPath(new URL("./node_modules/", import.meta.url))],
  });
  await stop(); // esbuild's child process would keep this process alive
  return outputFiles.map(({ path, text }) => [path.slice(CLIENT.length), text]);
}
