import { compile } from "./compile.ts";
import { entries, JSR_NAME, NPM_NAME, SERVER } from "./config.ts";

/** Compiles the entry points and their imports to JavaScript and declarations. */
export async function emit(out: URL): Promise<void> {
  const sources = Object.entries(entries).filter(([entry]) => entry !== SERVER)
    .map(([, source]) => source);
  const outDir = out.pathname;
  // Two runs, because only the declarations need the documentation.
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

/** Replaces indents by tabs, which saves a kilobyte. Safe because no string of the code spans lines. */
function tabbed(code: string): string {
  return code.replaceAll(/^(?: {4})+/gm, (indent) => "\t".repeat(indent.length / 4));
}

/** Adapts a declaration file of the compiler for consumers. */
function forConsumers(text: string): string {
  // The compiler rewrites the extension of relative imports in code, but not in declarations.
  const linked = text.replaceAll(/((?:from |import\()"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"');
  const named = renamed(linked);
  // No `target` in a consumer's tsconfig includes these types yet.
  return /\bAsyncDisposable\b|\bSymbol\.asyncDispose\b/.test(named)
    ? `/// <reference lib="esnext.disposable" />\n${named}`
    : named;
}

const RELATIVE_IMPORT = /(?:from |import\()"(\.[^"]+)"/g;

/** Returns the declarations that entry points import. The package leaves the others out. */
function reachable(
  roots: readonly string[],
  declarations: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const found = new Set(roots); // grows during the iteration
  for (const href of found) {
    const text = declarations.get(href);
    if (text === undefined) throw new Error(`A declaration imports ${href}, which does not exist`);
    for (const [, path] of text.matchAll(RELATIVE_IMPORT)) {
      found.add(new URL(path!.replace(/js$/, "d.ts"), href).href);
    }
  }
  return found;
}

/** Replaces the name on JSR by the name on npm, except in `jsr:` specifiers. */
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
