import { compile } from "./compile.ts";
import { entries, JSR_NAME, NPM_NAME, SERVER } from "./config.ts";

/** Compiles the entry points, and all that they import, to JavaScript and declarations. */
export async function emit(out: URL): Promise<void> {
  const sources = Object.entries(entries).filter(([entry]) => entry !== SERVER)
    .map(([, source]) => source);
  const outDir = out.pathname;
  // Twice: the declarations carry the documentation, the code need not repeat it.
  await Promise.all([
    compile(sources, { outDir, removeComments: true }),
    compile(sources, {
      outDir,
      declaration: true,
      isolatedDeclarations: true,
      emitDeclarationOnly: true,
    }),
  ]);
  const declarations = new Map<string, string>();
  for await (const { href } of filesBelow(out)) {
    if (!href.endsWith(".d.ts")) {
      await Deno.writeTextFile(new URL(href), tabbed(await Deno.readTextFile(new URL(href))));
      continue;
    }
    declarations.set(href, forConsumers(await Deno.readTextFile(new URL(href))));
  }
  const roots = sources.map((source) => new URL(source.replace(/ts$/, "d.ts"), out).href);
  const used = reachable(roots, declarations);
  for (const [href, text] of declarations) {
    if (used.has(href)) await Deno.writeTextFile(new URL(href), text);
    else await Deno.remove(new URL(href));
  }
}

/** Code indented by tabs instead of by four spaces: a kilobyte less to install. No text of ours spans lines. */
function tabbed(code: string): string {
  return code.replaceAll(/^(?: {4})+/gm, (indent) => "\t".repeat(indent.length / 4));
}

/** A declaration file as it came from the compiler, made fit for consumers. */
function forConsumers(text: string): string {
  // The compiler rewrites these in code, but not in declarations.
  const linked = text.replaceAll(/((?:from |import\()"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"');
  const named = renamed(linked);
  // No `target` of a consumer includes these yet.
  return /\bAsyncDisposable\b|\bSymbol\.asyncDispose\b/.test(named)
    ? `/// <reference lib="esnext.disposable" />\n${named}`
    : named;
}

const RELATIVE_IMPORT = /(?:from |import\()"(\.[^"]+)"/g;

/** The declarations that entry points lead to. The rest describes internals, and stays at home. */
function reachable(
  roots: readonly string[],
  declarations: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const found = new Set(roots); // grows while it is walked
  for (const href of found) {
    const text = declarations.get(href);
    if (text === undefined) throw new Error(`A declaration imports ${href}, which does not exist`);
    for (const [, path] of text.matchAll(RELATIVE_IMPORT)) {
      found.add(new URL(path!.replace(/js$/, "d.ts"), href).href);
    }
  }
  return found;
}

/** A text that speaks of the package, by its name on npm; `jsr:` specifiers stay. */
export function renamed(text: string): string {
  return text.replaceAll(new RegExp(`(?<!jsr:)${JSR_NAME}`, "g"), NPM_NAME);
}

/** All files below a folder, in the order of their names. */
export async function* filesBelow(folder: URL): AsyncGenerator<URL> {
  const found = await Array.fromAsync(Deno.readDir(folder));
  for (const { name, isDirectory } of found.sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (isDirectory) yield* filesBelow(new URL(`${name}/`, folder));
    else yield new URL(name, folder);
  }
}
