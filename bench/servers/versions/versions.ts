/** Prints the version of this runtime. */
import { createRequire } from "node:module";
import process from "node:process";

const { node, deno, bun } = process.versions as Readonly<Record<string, string | undefined>>;
const path = process.env.UWS_PATH;
console.log(JSON.stringify({
  // Deno and Bun also report the version of Node that they imitate.
  ...(deno ? { Deno: deno } : bun ? { Bun: bun } : { Node: node }),
  ...(path ? { "uWebSockets.js": createRequire(path)("../package.json").version } : {}),
}));
