import {
  entries,
  imports,
  LICENSE,
  NPM_NAME,
  SERVER,
  SERVER_CONDITIONS,
  VERSION,
} from "./config.ts";

/** Where the compiled files are, below the package's root. */
export const DIST = "dist";

/** Installed with the package. */
const DEPENDENCIES = ["eventsource-parser", "ws"];
/** Installed by whoever uses the entry that needs them. */
const OPTIONAL_PEERS = ["srvx", "uWebSockets.js"];

const KEYWORDS = [
  "websocket",
  "websockets",
  "server-sent-events",
  "ws",
  "server",
  "realtime",
  "pubsub",
  "deno",
  "node",
  "bun",
  "uwebsockets",
  "cloudflare",
  "durable-objects",
];

/** A file of the package, and its types. `types` stands first, or TypeScript passes it by. */
interface Target {
  readonly types: string;
  readonly default: string;
}

/** What is in the package's `package.json`. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | Target | Readonly<Record<string, Target>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** Makes the manifest. */
export function manifest(description: string): Manifest {
  return {
    name: NPM_NAME,
    version: VERSION,
    description,
    license: LICENSE,
    keywords: KEYWORDS,
    type: "module",
    sideEffects: false,
    engines: { node: ">=20" },
    files: [DIST],
    exports: {
      ...Object.fromEntries(
        Object.entries(entries).filter(([entry]) => entry !== SERVER)
          .map(([entry, source]) => [entry, target(source)]),
      ),
      [SERVER]: serverTargets(),
      "./package.json": "./package.json",
    },
    dependencies: ranges(DEPENDENCIES),
    peerDependencies: ranges(OPTIONAL_PEERS),
    peerDependenciesMeta: Object.fromEntries(
      OPTIONAL_PEERS.map((name) => [name, { optional: true }]),
    ),
  } as Manifest;
}

function target(source: string): Target {
  const path = `./${DIST}/${source.replace(/^\.\//, "").replace(/\.ts$/, "")}`;
  return { types: `${path}.d.ts`, default: `${path}.js` };
}

/** One server per runtime; Node's for all others, bundlers and TypeScript among them. */
function serverTargets(): Record<string, Target> {
  const conditions = SERVER_CONDITIONS
    .map((name) => [name, entries[`${SERVER}/${name}`]] as const)
    .flatMap(([name, source]) => source ? [[name, target(source)] as const] : []);
  return { ...Object.fromEntries(conditions), default: target(entries[`${SERVER}/node`]!) };
}

/** The ranges that `deno.json` asks for: `npm:ws@^8.21.0` is `^8.21.0`. Any, for what it has from elsewhere. */
function ranges(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => {
    const start = `npm:${name}@`;
    const specifier = imports[name];
    return [name, specifier?.startsWith(start) ? specifier.slice(start.length) : "*"];
  }));
}
