import assert from "node:assert/strict";

/** Rooms that each room may import besides itself. Type-only imports count. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "common": [],
  "socket": ["common"],
  "handshake": ["common"],
  "session": ["common"],
  "pubsub": ["common", "socket"],
  "peer.ts": ["common", "socket", "handshake", "pubsub"],
  "endpoint": ["common", "socket", "handshake", "pubsub", "peer.ts"],
  "shims/node": ["common", "socket", "handshake"],
  "shims/uws": ["common", "socket", "handshake"],
  "shims/workerd": ["common", "socket", "handshake"],
  "adapters/cloudflare": [
    "common",
    "socket",
    "handshake",
    "pubsub",
    "peer.ts",
    "endpoint",
    "shims/workerd",
  ],
  "adapters/sse": [
    "common",
    "socket",
    "handshake",
    "session",
    "pubsub",
    "peer.ts",
    "endpoint",
    "shims/workerd",
  ],
  "adapters": [
    "common",
    "socket",
    "handshake",
    "pubsub",
    "peer.ts",
    "endpoint",
    "shims/node",
    "shims/uws",
    "shims/workerd",
  ],
  "server": ["common", "handshake", "endpoint", "adapters"],
  // Browsers load this room, so it may import no module of the server.
  "websocket": [],
  "sync": ["common", "pubsub"],
  "mod.ts": ["common", "socket", "handshake", "pubsub", "peer.ts", "endpoint"],
};
/** Folders outside of the product: they may import anything, but not in a circle. */
const BESIDE = ["bench", "examples", "scripts", "tests"];

interface Import {
  /** Path of the imported module from the root, or the name of a package. */
  readonly to: string;
  readonly isType: boolean;
}
type Modules = ReadonlyMap<string, readonly Import[]>;

/** Returns the innermost room that holds a module, or `undefined`. */
function roomOf(module: string): string | undefined {
  if (module in MAY_IMPORT) return module;
  const folders = module.split("/").slice(0, -1);
  for (; folders.length > 0; folders.pop()) {
    const room = folders.join("/");
    if (room in MAY_IMPORT) return room;
  }
  return undefined;
}

/** Describes each import that breaks a rule. */
function violations(modules: Modules): string[] {
  const found: string[] = [];
  for (const [from, imports] of modules) {
    if (BESIDE.includes(from.split("/")[0]!)) continue;
    const room = roomOf(from);
    if (room === undefined) {
      found.push(`${from} is in no room`);
      continue;
    }
    for (const { to } of imports) {
      if (!modules.has(to)) continue; // a package, or the runtime's own
      const target = roomOf(to) ?? "no room";
      if (from.startsWith("adapters/") && to.startsWith("adapters/")) {
        if (adapterOf(from) !== adapterOf(to)) {
          found.push(`${from} imports another adapter, ${to}`);
        }
      } else if (target !== room && !MAY_IMPORT[room]!.includes(target)) {
        found.push(`${from} imports ${to}: ${room} may not import ${target}`);
      }
    }
  }
  const circle = circleIn(modules);
  if (circle) found.push(`import circle: ${circle.join(" > ")}`);
  return found;
}

/** Returns `cloudflare` for `adapters/cloudflare.ts` and all files of `adapters/cloudflare/`. */
function adapterOf(module: string): string {
  return module.split("/")[1]!.replace(/\.ts$/, "");
}

/** Returns the modules of the first circle of imports, type-only imports included. */
function circleIn(modules: Modules): string[] | undefined {
  const done = new Set<string>();
  const visit = (module: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(module)) return [...path.slice(path.indexOf(module)), module];
    if (done.has(module)) return undefined;
    for (const { to } of modules.get(module) ?? []) {
      const circle = visit(to, [...path, module]);
      if (circle) return circle;
    }
    done.add(module);
    return undefined;
  };
  for (const module of modules.keys()) {
    const circle = visit(module, []);
    if (circle) return circle;
  }
  return undefined;
}

const IMPORT =
  /^(?:import|export)\s+(type\s)?(?:([\w*{][^;"']*?)\s+from\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;

/** Returns the imports of a source text. Examples in comments do not count. */
function importsOf(module: string, source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  return [...code.matchAll(IMPORT)].map(([, type, names, from, dynamic]) => {
    const to = (from ?? dynamic)!;
    // `{ type A, type B }` alone imports nothing at run time.
    const braced = names?.match(/^\{([^}]*)\}$/)?.[1]?.split(",").map((name) => name.trim())
      .filter(Boolean);
    const isType = type !== undefined ||
      (braced !== undefined && braced.every((name) => name.startsWith("type ")));
    if (!to.startsWith(".")) return { to, isType };
    return { to: new URL(to, `http://project/${module}`).pathname.slice(1), isType };
  });
}

const ROOT = new URL("../", import.meta.url);
const SKIPPED = ["node_modules", "npm", "coverage"];

let found: Modules | undefined;

function readModules(): Modules {
  return found ??= new Map([...modulesBelow("")].map((module) => {
    return [module, importsOf(module, Deno.readTextFileSync(new URL(module, ROOT)))];
  }));
}

function* modulesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(`./${folder}`, ROOT))) {
    if (name.startsWith(".") || SKIPPED.includes(name)) continue;
    if (isDirectory) yield* modulesBelow(`${folder}${name}/`);
    else if (name.endsWith(".ts")) yield `${folder}${name}`;
  }
}

/** Returns the real modules with one planted import. */
function planted(from: string, to: string, isType: boolean): Modules {
  const modules = new Map(readModules());
  modules.set(from, [...modules.get(from) ?? [], { to, isType }]);
  if (to.endsWith(".ts")) modules.set(to, modules.get(to) ?? []);
  return modules;
}

Deno.test("Every module imports only what its room may import, and no imports form a circle", () => {
  assert.deepEqual(violations(readModules()), []);
});

Deno.test("Every room has a module, and every room that a rule names exists", () => {
  const modules = [...readModules().keys()];
  for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
    assert.ok(modules.some((module) => roomOf(module) === room), room);
    for (const name of allowed) assert.ok(name in MAY_IMPORT, `${room}: ${name}`);
  }
});

Deno.test("The top level has mod.ts and peer.ts, and no other module", () => {
  const top = [...readModules().keys()].filter((module) => !module.includes("/"));
  assert.deepEqual(top.sort(), ["mod.ts", "peer.ts"]);
});

Deno.test("The layers check finds a planted import that breaks a rule", () => {
  const table: [from: string, to: string, isType: boolean, found: RegExp | undefined][] = [
    // A core room imports from outside of the core.
    ["endpoint/connection.ts", "shims/workerd/workerd.ts", false, /endpoint may not import shims/],
    ["endpoint/endpoint.ts", "shims/node/ws_socket.ts", false, /endpoint may not import shims/],
    ["endpoint/hooks.ts", "adapters/sse/answer.ts", false, /endpoint may not import adapters\/sse/],
    [
      "endpoint/upgrader.ts",
      "adapters/cloudflare/isolate_endpoint.ts",
      true,
      /endpoint may not import adapters\/cloudflare/,
    ],
    ["endpoint/endpoint.ts", "adapters/node.ts", false, /endpoint may not import adapters/],
    ["pubsub/hub.ts", "peer.ts", false, /pubsub may not import peer\.ts/],
    ["pubsub/hub.ts", "peer.ts", true, /pubsub may not import peer\.ts/],
    ["socket/socket.ts", "mod.ts", true, /socket may not import mod\.ts/],
    ["socket/message.ts", "handshake/handshake.ts", true, /socket may not import handshake/],
    ["handshake/handshake.ts", "socket/socket.ts", true, /handshake may not import socket/],
    ["common/limits.ts", "socket/socket.ts", true, /common may not import socket/],
    ["session/replay_ring.ts", "socket/socket.ts", true, /session may not import socket/],
    ["peer.ts", "endpoint/endpoint.ts", true, /peer\.ts may not import endpoint/],
    ["shims/node/ws_socket.ts", "peer.ts", true, /shims\/node may not import peer\.ts/],
    ["shims/node/ws_socket.ts", "endpoint/hooks.ts", true, /shims\/node may not import endpoint/],
    ["shims/node/ws_socket.ts", "pubsub/hub.ts", false, /shims\/node may not import pubsub/],
    ["shims/uws/topic_space.ts", "shims/node/masking.ts", false, /uws may not import shims\/node/],
    ["adapters/node.ts", "server/node.ts", false, /adapters may not import server/],
    ["adapters/deno.ts", "adapters/node.ts", false, /imports another adapter/],
    ["adapters/deno.ts", "adapters/node.ts", true, /imports another adapter/],
    ["adapters/node.ts", "adapters/sse/answer.ts", false, /imports another adapter/],
    ["adapters/sse/answer.ts", "adapters/cloudflare/options.ts", true, /imports another adapter/],
    ["websocket/sse.ts", "pubsub/hub.ts", false, /websocket may not import pubsub/],
    ["websocket/session.ts", "socket/close_code.ts", true, /websocket may not import socket/],
    ["adapters/deno.ts", "websocket/sse.ts", true, /adapters may not import websocket/],
    ["mod.ts", "adapters/node.ts", false, /mod\.ts may not import adapters/],
    ["utils.ts", "socket/socket.ts", false, /^utils\.ts is in no room$/],
    ["shims/utils.ts", "socket/socket.ts", false, /^shims\/utils\.ts is in no room$/],
    ["socket/socket.ts", "socket/socket.ts", false, /circle: socket\/socket\.ts > socket\/socket/],
    ["common/inspect.ts", "common/errors.ts", false, undefined],
    ["shims/node/ws_socket.ts", "common/errors.ts", false, undefined],
    ["adapters/sse.ts", "adapters/sse/answer.ts", false, undefined],
    ["mod.ts", "node:http", false, undefined],
    ["tests/layers_test.ts", "mod.ts", false, undefined],
  ];
  for (const [from, to, isType, expected] of table) {
    const found = violations(planted(from, to, isType));
    if (expected) assert.match(found.join("\n"), expected, `${from} > ${to}`);
    else assert.deepEqual(found, [], `${from} > ${to}`);
  }
});

Deno.test("The layers check finds import circles: of types, within a room, in bench and in scripts", () => {
  const circle = (a: string, b: string, isType: boolean): string[] =>
    violations(new Map([[a, [{ to: b, isType: false }]], [b, [{ to: a, isType }]]]));
  for (const isType of [false, true]) {
    assert.deepEqual(circle("pubsub/hub.ts", "pubsub/x.ts", isType), [
      "import circle: pubsub/hub.ts > pubsub/x.ts > pubsub/hub.ts",
    ]);
    assert.deepEqual(circle("bench/a.ts", "bench/b.ts", isType), [
      "import circle: bench/a.ts > bench/b.ts > bench/a.ts",
    ]);
    assert.deepEqual(circle("scripts/a.ts", "scripts/b.ts", isType), [
      "import circle: scripts/a.ts > scripts/b.ts > scripts/a.ts",
    ]);
  }
});

Deno.test("The layers check reads each form of import from the source", () => {
  const table: [string, string | undefined, boolean][] = [
    ['import { a } from "../socket.ts";', "socket.ts", false],
    ['import type { A } from "../socket.ts";', "socket.ts", true],
    ['import { type A, type B } from "../socket.ts";', "socket.ts", true],
    ['import { type A, b } from "../socket.ts";', "socket.ts", false],
    ['import {\n  type A,\n  type B,\n} from "../socket.ts";', "socket.ts", true],
    ['import a, { type B } from "../socket.ts";', "socket.ts", false],
    ['import * as a from "./a.ts";', "adapters/a.ts", false],
    ['import "./a.ts";', "adapters/a.ts", false],
    ['export { a } from "../socket.ts";', "socket.ts", false],
    ['export * from "../socket.ts";', "socket.ts", false],
    ['export type { A } from "../socket.ts";', "socket.ts", true],
    ['const a = await import("../socket.ts");', "socket.ts", false],
    ['import { createServer } from "node:http";', "node:http", false],
    [' * import { a } from "../socket.ts";', undefined, false],
    ['/**\nimport { a } from "../socket.ts";\n */', undefined, false],
    ['// import { a } from "../socket.ts";', undefined, false],
    ['export const a = "./socket.ts";', undefined, false],
  ];
  for (const [source, to, isType] of table) {
    const expected = to === undefined ? [] : [{ to, isType }];
    assert.deepEqual(importsOf("adapters/x.ts", source), expected, source);
  }
});
