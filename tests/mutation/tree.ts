import { transform } from "esbuild";
import type { Fault } from "./fault.ts";

const ROOT = new URL("../../", import.meta.url);

/** A temporary copy of the tree, in which one fault at a time is planted. */
export class Tree implements AsyncDisposable {
  readonly folder: string;
  #planted: { readonly path: string; readonly source: string } | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Copies tracked and new files. The copy shares downloads and packages, but no built files. */
  static async copy(): Promise<Tree> {
    const tree = new Tree(await Deno.makeTempDir({ prefix: "onepeer-mutation-" }));
    const { stdout } = await new Deno.Command("git", {
      args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
      cwd: ROOT,
    }).output();
    for (const file of new TextDecoder().decode(stdout).split("\0").filter(Boolean)) {
      const to = `${tree.folder}/${file}`;
      await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
      await Deno.copyFile(new URL(file, ROOT), to).catch(ignoreDeleted);
    }
    await Deno.symlink(new URL("node_modules", ROOT).pathname, `${tree.folder}/node_modules`);
    await Deno.mkdir(`${tree.folder}/.cache`);
    await Deno.mkdir(new URL(".cache/", ROOT), { recursive: true }); // a new clone has none
    for await (const { name } of Deno.readDir(new URL(".cache/", ROOT))) {
      // Binaries, in folders named after package and version.
      if (!name.includes("@")) continue;
      await Deno.symlink(new URL(`.cache/${name}`, ROOT).pathname, `${tree.folder}/.cache/${name}`);
    }
    await tree.#buildUnchecked();
    return tree;
  }

  /** Turns off type checks in the build: tests must find a fault, not the type checker. */
  async #buildUnchecked(): Promise<void> {
    const path = `${this.folder}/tsconfig.npm.json`;
    const config = JSON.parse(await Deno.readTextFile(path));
    config.compilerOptions.noCheck = true;
    await Deno.writeTextFile(path, JSON.stringify(config));
  }

  /** @throws {Error} if a fault no longer applies to the source, or breaks its syntax. */
  async plant(fault: Fault): Promise<void> {
    await this.restore();
    const path = `${this.folder}/${fault.file}`;
    const source = await Deno.readTextFile(path);
    const mutant = mutate(fault, source);
    await transform(mutant, { loader: "ts" });
    this.#planted = { path, source };
    await Deno.writeTextFile(path, mutant);
  }

  /** Removes the fault. */
  async restore(): Promise<void> {
    if (this.#planted) await Deno.writeTextFile(this.#planted.path, this.#planted.source);
    this.#planted = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/**
 * Returns the source with the fault.
 *
 * @throws {Error} if the source does not have `find` exactly once.
 */
export function mutate({ id, file, find, replace }: Fault, source: string): string {
  const [before, after, ...more] = source.split(find);
  if (after === undefined || more.length > 0 || find === "" || find === replace) {
    throw new Error(
      `The fault ${id} is stale: its \`find\` must be in ${file} exactly once, it is there ${
        after === undefined ? "never" : `${more.length + 1} times`
      }`,
    );
  }
  return before + replace + after;
}

function ignoreDeleted(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
