import config from "../../deno.json" with { type: "json" };

/** The root of the repository. */
export const ROOT: URL = new URL("../../", import.meta.url);

/** What the package on npm is called. */
export const NPM_NAME = "onepeer";

/** What the package is called on JSR. */
export const JSR_NAME: string = config.name;

/** Its version. */
export const VERSION: string = config.version;

/** Its licence. */
export const LICENSE: string = config.license;

/** Entry points: `./adapters/node` to `./adapters/node.ts`. */
export const entries: Readonly<Record<string, string>> = config.exports;

/** Packages that the source imports, to their specifiers. */
export const imports: Readonly<Record<string, string>> = config.imports;

/**
 * What `./server` is, by the runtime that asks; the first that fits. JSR knows no conditions, so
 * there it is a module of its own, which npm does without.
 */
export const SERVER = "./server";
/** The names of its conditions are those of the entry points below `./server/`. */
export const SERVER_CONDITIONS: readonly string[] = ["deno", "bun", "node"];
