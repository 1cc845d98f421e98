import { build } from "esbuild";
import { builtProgram, replaceFile } from "./built_program.ts";
import type { Gap, Runtime } from "../../runtimes/native.ts";
import { pinnedBinary, versionOf } from "../../runtimes/versions.ts";

/** Options for a program on workerd. */
export interface WorkerdOptions {
  /** Compatibility date, which selects the behaviour of the runtime. */
  readonly date: string;
  /** Whether the program evicts objects in every pause. */
  readonly evicts?: boolean;
  /** Whether objects have SQLite, as all new classes do. */
  readonly sqlite?: boolean;
  /** Whether the program has objects. */
  readonly objects?: boolean;
  /** Whether the objects serve event streams. */
  readonly sse?: boolean;
}

/** Newest compatibility date of the workerd under test: the day in its version. */
export const WORKERD_DATE: string = versionOf("workerd")
  .replace(/^1\.(\d{4})(\d\d)(\d\d)\..*$/, "$1-$2-$3");

const CACHE = new URL("../../../.cache/workerd/", import.meta.url);

/** Returns the runtime that executes the contract on workerd. */
export function workerdRuntime(
  name: string,
  title: string,
  options: WorkerdOptions,
  gaps: Readonly<Record<string, Gap>>,
): Runtime {
  return {
    name,
    title,
    async command() {
      return await workerdCommand(name, options) ?? { missing: "workerd for Linux on x64" };
    },
    gaps,
  };
}

/**
 * Returns the command that runs the fixture on workerd; `undefined` if workerd does not support
 * this machine.
 */
export async function workerdCommand(
  name: string,
  options: WorkerdOptions,
): Promise<readonly string[] | undefined> {
  const [fixture, source] = options.objects === false
    ? WORKER
    : options.sse
    ? EVENT_STREAMS
    : DURABLE;
  const program = await builtProgram(new URL(fixture, import.meta.url), "node");
  return await programCommand(name, source.replace("PROGRAM", program), options);
}

const WORKER = [
  "../../fixtures/worker.ts",
  `
  import { workerApp } from "PROGRAM";
  export default workerApp();`,
] as const;

const EVENT_STREAMS = [
  "../../fixtures/sse_durable.ts",
  `
  import { DurableObject } from "cloudflare:workers";
  import { durableSSEApp } from "PROGRAM";
  const app = durableSSEApp({ DurableObject });
  export const { Room } = app;
  export default { fetch: app.fetch };`,
] as const;

const DURABLE = [
  "../../fixtures/durable.ts",
  `
  import { DurableObject } from "cloudflare:workers";
  import unsafe from "workerd:unsafe";
  import { durableApp } from "PROGRAM";
  const app = durableApp({ DurableObject, evict: (stub) => unsafe.evict(stub) });
  export const { Room } = app;
  export default { fetch: app.fetch };`,
] as const;

/** Returns the command that runs a module Worker with an exported class `Room`. */
export async function programCommand(
  name: string,
  source: string,
  options: WorkerdOptions,
): Promise<readonly string[] | undefined> {
  const workerd = await pinnedBinary("workerd", "bin/workerd");
  if (!workerd) return undefined;
  const folder = new URL(`${name}/`, CACHE);
  await Deno.mkdir(folder, { recursive: true });
  await bundle(source, new URL("main.mjs", folder));
  const storage = await Deno.makeTempDir({ dir: folder.pathname, prefix: "storage-" });
  // Parallel parts of the tests need separate storage, and so separate configurations.
  const config = new URL(`${storage.split("/").at(-1)}.capnp`, folder);
  await Deno.writeTextFile(config, configOf(options, storage));
  const server = new URL("./workerd_server.ts", import.meta.url).pathname;
  return [Deno.execPath(), "run", "-A", "--no-check", server, workerd, config.pathname];
}

const WITHOUT_VM = new URL("../../fixtures/without_vm.ts", import.meta.url).pathname;

async function bundle(contents: string, outfile: URL): Promise<void> {
  const { outputFiles } = await build({
    write: false,
    stdin: { contents, resolveDir: CACHE.pathname },
    outfile: outfile.pathname,
    bundle: true,
    format: "esm",
    target: "es2022",
    alias: { "node:vm": WITHOUT_VM, "node:v8": WITHOUT_VM },
    external: ["cloudflare:*", "workerd:*", "node:*"],
    loader: { ".html": "text", ".css": "text", ".svg": "text" },
    logLevel: "error",
  });
  await replaceFile(outfile.pathname, outputFiles[0]!.contents);
}

/** Date from which workerd has Node's modules by default; the cases import some. */
const NODE_COMPAT_SINCE = "2026-08-04";

function configOf(
  { date, evicts = false, sqlite = true, objects = true }: WorkerdOptions,
  storage: string,
): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "disk", disk = (path = "${storage}", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "main.mjs", esModule = embed "main.mjs")],
  compatibilityDate = "${date}",
  compatibilityFlags = [${
    date < NODE_COMPAT_SINCE ? '"nodejs_compat", ' : ""
  }"unsafe_module", "experimental"],
  ${objects ? objectsOf(sqlite) : ""}
  bindings = [
    ${objects ? '(name = "Room", durableObjectNamespace = "Room"),' : ""}
    (name = "evicts", json = "${evicts}"),
  ],
);
`;
}

const objectsOf = (sqlite: boolean) => `
  durableObjectNamespaces = [(className = "Room", uniqueKey = "room", enableSql = ${sqlite})],
  durableObjectStorage = (localDisk = "disk"),`;
