/** Prints what this runtime is. */
import { createRequire } from "node:module";
import process from "node:process";

const { node, deno, bun } = process.versions as Readonly<Record<string, string | undefined>>;
const path = process.env.UWS_PATH;
console.log(JSON.stringify({
  // Deno and Bun say which Node they are like.
  ...(deno ? { Deno: deno } : bun ? { Bun: bun } : { Node: node }),
  ...(path ? { "uWebSockets.js": createRequire(path)("../package.json").version } : {}),
}));
