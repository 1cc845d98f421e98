import assert from "node:assert/strict";

/**
 * The floor plan: who may see whom. A file sees its own layer and those below. A name that ends
 * with a slash stands for the files of a directory.
 */
const LAYERS: readonly (readonly string[])[] = [
  ["socket", "close_code", "errors", "limits", "timers", "stats", "inspect", "websocket/"],
  [
    "hub",
    "broadcast",
    "handshake",
    "forwarded",
    "allowed_origins",
    "origin_guard",
    "upgrade_headers",
    "deflate_options",
    "message",
    "payload",
  ],
  ["outbox", "peer", "peer_websocket", "shims/"],
  [
    "hooks",
    "framework_hooks",
    "inbox",
    "places",
    "connection",
    "admission",
    "endpoint",
    "link",
    "adapter",
    "cloudflare_options",
    "isolate_room",
    "durable_hub",
    "durable_peer",
    "durable_room",
    "sse_answer",
    "body_clock",
    "sse_requests",
    "sse_session",
    "sse_sessions",
  ],
  ["adapters/"],
  ["server/"],
  ["mod"],
];
/** What a shim may see beside its own kind: it makes a foreign thing ours, and knows no peer. */
const SHIMS_SEE: readonly string[] = [...LAYERS[0]!, "handshake", "forwarded", "payload"];
const DIRECTORIES = ["adapters", "shims", "server", "websocket"];
/** Types may refer to each other in a circle here, where hooks and what runs them meet. */
const TYPE_CYCLES_IN = 3;

interface Import {
  /** What is imported, as a path from the root without `.ts`; a package by its own name. */
  readonly to: string;
  readonly isType: boolean;
}
type Modules = ReadonlyMap<string, readonly Import[]>;

function layerOf(module: string): number {
  const place = module.includes("/") ? `${module.split("/")[0]}/` : module;
  return LAYERS.findIndex((names) => names.includes(place));
}

/** Everything that breaks the floor plan, in words. */
function violations(modules: Modules): string[] {
  const found: string[] = [];
  for (const [from, imports] of modules) {
    const layer = layerOf(from);
    if (layer < 0) found.push(`${from} has no layer`);
    for (const { to } of imports) {
      if (!modules.has(to)) continue; // a package, or the runtime's own
      if (layerOf(to) > layer) found.push(`${from} looks up to ${to}`);
      if (from.startsWith("adapters/") && to.startsWith("adapters/")) {
        found.push(`${from} knows another adapter, ${to}`);
      }
      if (from.startsWith("shims/") && !to.startsWith("shims/") && !SHIMS_SEE.includes(to)) {
        found.push(`${from} knows ${to}, which is no shim's business`);
      }
      // A page loads it: nothing of the server goes along.
      if (from.startsWith("websocket/") !== to.startsWith("websocket/")) {
        found.push(`${from} knows ${to}, and one is the client's, one the server's`);
      }
    }
  }
  const values = cycleIn(modules, ({ isType }) => !isType);
  if (values) found.push(`import cycle at run time: ${values.join(" > ")}`);
  const types = cycleIn(
    modules,
    ({ to }, from) => layerOf(to) !== TYPE_CYCLES_IN || layerOf(from) !== TYPE_CYCLES_IN,
  );
  if (types) found.push(`import cycle: ${types.join(" > ")}`);
  return found;
}

/** The first circle of imports that `counts`, as the names on the way. */
function cycleIn(
  modules: Modules,
  counts: (it: Import, from: string) => boolean,
): string[] | undefined {
  const done = new Set<string>();
  const visit = (module: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(module)) return [...path.slice(path.indexOf(module)), module];
    if (done.has(module)) return undefined;
    for (const it of modules.get(module) ?? []) {
      const cycle = counts(it, module) ? visit(it.to, [...path, module]) : undefined;
      if (cycle) return cycle;
    }
    done.add(module);
    return undefined;
  };
  for (const module of modules.keys()) {
    const cycle = visit(module, []);
    if (cycle) return cycle;
  }
  return undefined;
}

const IMPORT =
  /^(?:import|export)\s+(type\s)?(?:([\w*{][^;"']*?)\s+from\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;

/** The imports of a source text. Comments are no imports, though examples in them look like some. */
function importsOf(module: string, source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  return [...code.matchAll(IMPORT)].map(([, type, names, from, dynamic]) => {
    const to = (from ?? dynamic)!;
    // `{ type A, type B }` alone leaves nothing behind at run time.
    const braced = names?.match(/^\{([^}]*)\}$/)?.[1]?.split(",").map((name) => name.trim())
      .filter(Boolean);
    const isType = type !== undefined ||
      (braced !== undefined && braced.every((name) => name.startsWith("type ")));
    if (!to.startsWith(".")) return { to, isType };
    const base = new URL(`http://root/${module}`);
    return { to: new URL(to, base).pathname.slice(1).replace(/\.ts$/, ""), isType };
  });
}

const ROOT = new URL("../", import.meta.url);

function readModules(): Map<string, Import[]> {
  const modules = new Map<string, Import[]>();
  for (const directory of ["", ...DIRECTORIES.map((name) => `${name}/`)]) {
    for (const { name, isFile } of Deno.readDirSync(new URL(`./${directory}`, ROOT))) {
      if (!isFile || !name.endsWith(".ts")) continue;
      const module = `${directory}${name.slice(0, -3)}`;
      const source = Deno.readTextFileSync(new URL(`./${directory}${name}`, ROOT));
      modules.set(module, importsOf(module, source));
    }
  }
  return modules;
}

/** The modules as they are, with one more import or module planted. */
function planted(from: string, to: string, isType = false): Modules {
  const modules = readModules();
  modules.set(from, [...modules.get(from) ?? [], { to, isType }]);
  if (to.includes("/") || layerOf(to) >= 0) modules.set(to, modules.get(to) ?? []);
  return modules;
}

Deno.test("Imports only go down the floor plan, and never in a circle", () => {
  assert.deepEqual(violations(readModules()), []);
});

Deno.test("Every file of the floor plan exists", () => {
  const modules = [...readModules().keys()];
  for (const name of LAYERS.flat()) {
    const exists = name.endsWith("/")
      ? modules.some((module) => module.startsWith(name))
      : modules.includes(name);
    assert.ok(exists, name);
  }
});

Deno.test("A planted import that breaks the floor plan is found", () => {
  const table: [from: string, to: string, isType: boolean, found: string][] = [
    ["hub", "peer", false, "hub looks up to peer"],
    ["socket", "mod", true, "socket looks up to mod"],
    ["peer", "endpoint", true, "peer looks up to endpoint"],
    ["endpoint", "adapters/node", false, "endpoint looks up to adapters/node"],
    ["adapters/node", "server/node", false, "adapters/node looks up to server/node"],
    ["adapters/deno", "adapters/node", false, "adapters/deno knows another adapter, adapters/node"],
    ["adapters/deno", "adapters/node", true, "adapters/deno knows another adapter, adapters/node"],
    ["shims/request", "peer", true, "shims/request knows peer, which is no shim's business"],
    ["shims/request", "message", false, "shims/request knows message, which is no shim's business"],
    ["websocket/sse", "hub", false, "websocket/sse looks up to hub"],
    [
      "websocket/session",
      "close_code",
      false,
      "websocket/session knows close_code, and one is the client's, one the server's",
    ],
    [
      "adapters/deno",
      "websocket/sse",
      true,
      "adapters/deno knows websocket/sse, and one is the client's, one the server's",
    ],
    ["utils", "socket", false, "utils has no layer"],
    ["socket", "socket", false, "import cycle at run time: socket > socket"],
    ["inspect", "close_code", false, ""],
    ["shims/request", "shims/callback_socket", false, ""],
    ["shims/request", "errors", false, ""],
    ["mod", "node:http", false, ""],
  ];
  for (const [from, to, isType, expected] of table) {
    const found = violations(planted(from, to, isType));
    if (expected) assert.ok(found.includes(expected), `${from} > ${to}: ${found.join("; ")}`);
    else assert.deepEqual(found, [], `${from} > ${to}`);
  }
});

Deno.test("A planted circle is found, of types too outside the layer of the hooks", () => {
  const circle = (a: string, b: string, isType: boolean): string[] =>
    violations(new Map([[a, [{ to: b, isType: false }]], [b, [{ to: a, isType }]]]));
  assert.match(circle("hub", "message", false).join(), /^import cycle at run time: hub > message/);
  assert.deepEqual(circle("hub", "message", true), ["import cycle: hub > message > hub"]);
  assert.match(circle("hooks", "inbox", false).join(), /^import cycle at run time: hooks > inbox/);
  assert.deepEqual(circle("hooks", "inbox", true), []);
});

Deno.test("Imports are read from the source in each of their forms", () => {
  const table: [string, string | undefined, boolean][] = [
    ['import { a } from "../socket.ts";', "socket", false],
    ['import type { A } from "../socket.ts";', "socket", true],
    ['import { type A, type B } from "../socket.ts";', "socket", true],
    ['import { type A, b } from "../socket.ts";', "socket", false],
    ['import {\n  type A,\n  type B,\n} from "../socket.ts";', "socket", true],
    ['import a, { type B } from "../socket.ts";', "socket", false],
    ['import * as a from "./a.ts";', "adapters/a", false],
    ['import "./a.ts";', "adapters/a", false],
    ['export { a } from "../socket.ts";', "socket", false],
    ['export * from "../socket.ts";', "socket", false],
    ['export type { A } from "../socket.ts";', "socket", true],
    ['const a = await import("../socket.ts");', "socket", false],
    ['import { createServer } from "node:http";', "node:http", false],
    [' * import { a } from "../socket.ts";', undefined, false],
    ['/**\nimport { a } from "../socket.ts";\n */', undefined, false],
    ['// import { a } from "../socket.ts";', undefined, false],
    ['export const a = "./socket.ts";', undefined, false],
  ];
  for (const [source, to, isType] of table) {
    const expected = to === undefined ? [] : [{ to, isType }];
    assert.deepEqual(importsOf("adapters/x", source), expected, source);
  }
});
