import {
  entries,
  imports,
  LICENSE,
  NPM_NAME,
  SERVER,
  SERVER_CONDITIONS,
  VERSION,
} from "./config.ts";

/** Folder of the compiled files in the package. */
export const DIST = "dist";

/** Packages that npm installs with onepeer. */
const DEPENDENCIES = ["eventsource-parser", "ws"];
/** Client libraries of brokers, with the versions whose interface the brokers use. */
const BROKER_CLIENTS: Readonly<Record<string, string>> = {
  "@nats-io/transport-node": ">=3",
  "ioredis": ">=5",
  "iovalkey": ">=0.3",
  "pg": ">=8",
  "postgres": ">=3.4",
  "redis": ">=4",
};
/** Packages that only some entries need. Users of these entries install them. */
const OPTIONAL_PEERS = ["srvx", "uWebSockets.js", ...Object.keys(BROKER_CLIENTS)];

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

/** A file of the package, and its types. `types` must be first, or TypeScript ignores them. */
interface Target {
  readonly types: string;
  readonly default: string;
}

/** The `package.json` of the package. */
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

/** A server for each runtime. The server for Node is also for bundlers and TypeScript. */
function serverTargets(): Record<string, Target> {
  const conditions = SERVER_CONDITIONS
    .map((name) => [name, entries[`${SERVER}/${name}`]] as const)
    .flatMap(([name, source]) => source ? [[name, target(source)] as const] : []);
  return { ...Object.fromEntries(conditions), default: target(entries[`${SERVER}/node`]!) };
}

/**
 * Ranges of `deno.json`: `npm:ws@^8.21.0` gives `^8.21.0`. The clients of brokers have theirs here, and
 * packages from elsewhere get `*`.
 */
function ranges(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => {
    const start = `npm:${name}@`;
    const specifier = imports[name];
    const range = specifier?.startsWith(start) ? specifier.slice(start.length) : undefined;
    return [name, range ?? BROKER_CLIENTS[name] ?? "*"];
  }));
}
