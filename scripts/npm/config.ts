import config from "../../deno.json" with { type: "json" };

/** The root of the repository. */
export const ROOT: URL = new URL("../../", import.meta.url);

/** Name of the package on npm. */
export const NPM_NAME = "onepeer";

/** Name of the package on JSR. */
export const JSR_NAME: string = config.name;

/** Version of the package. */
export const VERSION: string = config.version;

/** Licence of the package. */
export const LICENSE: string = config.license;

/** Source files by entry point: `./adapters/node` is `./adapters/node.ts`. */
export const entries: Readonly<Record<string, string>> = config.exports;

/** Specifiers of the packages that the source imports, by the name of the package. */
export const imports: Readonly<Record<string, string>> = config.imports;

/**
 * The entry whose file depends on the runtime: on npm, the first matching condition selects the file.
 * JSR has no conditions. So `./server` on JSR is a module that the npm package leaves out.
 */
export const SERVER = "./server";
/** Conditions of {@linkcode SERVER}, named like the entry points below `./server/`. */
export const SERVER_CONDITIONS: readonly string[] = ["deno", "bun", "node"];
