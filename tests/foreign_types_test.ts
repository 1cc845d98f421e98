import assert from "node:assert/strict";
import config from "../deno.json" with { type: "json" };
import { run, tool } from "../scripts/npm/command.ts";
import { emit } from "../scripts/npm/emit.ts";
import { pinnedBinary, versionOf } from "./runtimes/versions.ts";

/**
 * Checks the package's minimal types of runtimes against the real types. Each program is checked
 * alone, as the real types add globals of their runtime.
 */
const FOLDER = new URL("../.cache/types/", import.meta.url);

const BUN = `/// <reference types="npm:bun-types@${versionOf("bun-types")}" />
import adapter, { type BunServer, type BunSocket } from "../../adapters/bun.ts";

const ws = adapter();
const server = Bun.serve({
  websocket: ws.websocket,
  fetch: (request, server) => ws.handleUpgrade(request, server),
});
const ours: BunServer = server;
declare const native: Bun.ServerWebSocket<unknown>;
const socket: BunSocket = native;
console.log(ours, socket);
`;

const UWS = `import { App, type TemplatedApp, type WebSocket } from "UWS_TYPES";
import adapter, { type UwsApp, type UwsSocket } from "../../adapters/uws.ts";

const ws = adapter();
const app: TemplatedApp = App().ws("/*", ws.websocket);
ws.attach(app, "/*");
const ours: UwsApp = app;
declare const native: WebSocket<unknown>;
const socket: UwsSocket = native;
console.log(ours, socket);
`;

const CLOUDFLARE = `import { DurableObject } from "cloudflare:workers";
import adapter, { type CloudflareSocket, type DurableContext, type WorkerContext } from "LIBRARY";

interface Env {
  Room: DurableObjectNamespace<Room>;
}

const ws = adapter({ hooks: { message: (peer, message) => void peer.send(message) } });

export class Room extends ws.durable(DurableObject<Env>) {
  override async fetch(request: Request): Promise<Response> {
    if (request.method === "GET") return await super.fetch(request);
    return new Response(String(ws.room(this).publish("t", this.env.Room.idFromName("a"))));
  }
}

export class Explicit extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ws.handleDurableInit(this, ctx, env);
  }
  override fetch(request: Request): Promise<Response> {
    return ws.handleDurableUpgrade(this, request);
  }
  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    return ws.handleDurableMessage(this, socket, message);
  }
  override webSocketClose(socket: WebSocket, ...how: [number, string, boolean]): Promise<void> {
    return ws.handleDurableClose(this, socket, ...how);
  }
  override webSocketError(socket: WebSocket, error: unknown): Promise<void> {
    return ws.handleDurableError(this, socket, error);
  }
  say(topic: string, data: unknown): number {
    return ws.handleDurablePublish(this, topic, data);
  }
}

export const Plain = ws.durable(DurableObject);

export default ws.worker({
  binding: "Room",
  async fetch(_request, env: Env) {
    const room = env.Room.get(env.Room.idFromName("a"));
    const reached: number = await room.webSocketPublish("t", { some: "data" });
    return Response.json(reached);
  },
}) satisfies ExportedHandler<Env>;

declare const native: WebSocket;
declare const ctx: DurableObjectState;
const socket: CloudflareSocket = native;
const context: DurableContext = ctx;
declare const execution: ExecutionContext;
const request: WorkerContext = execution;
console.log(socket, context, request);

const plain = adapter({ hooks: { open: (peer) => peer.subscribe("news") } });
console.log(
  plain.worker() satisfies ExportedHandler,
  {
    async fetch(request, env, ctx) {
      if (request.headers.get("upgrade")) return await plain.handleUpgrade(request, env, ctx);
      return Response.json(plain.isolate.publish("news", await request.text()));
    },
  } satisfies ExportedHandler<Env>,
);
`;

const cloudflareTypes = await pinnedBinary("@cloudflare/workers-types", "index.d.ts");
Deno.test({
  name: "the package's types of Cloudflare fit the real ones",
  ignore: cloudflareTypes === undefined,
  async fn() {
    const library = new URL("../.cache/built/types/", import.meta.url);
    await emit(library);
    const program = CLOUDFLARE.replace(
      "LIBRARY",
      new URL("adapters/cloudflare.js", library).pathname,
    );
    await compile("cloudflare", program, cloudflareTypes!);
    const misfit = program.replace("const reached: number", "const reached: string");
    await assert.rejects(compile("cloudflare_misfit", misfit, cloudflareTypes!), /TS2322/);
  },
});

/** Imports that wrangler turns into strings. */
const TEXTS = ["html", "css", "svg", "txt"].map((type) =>
  `declare module "*.${type}" {\n  const text: string;\n  export default text;\n}\n`
).join("");

Deno.test({
  name: "the example for Cloudflare compiles with Cloudflare's types",
  ignore: cloudflareTypes === undefined,
  async fn() {
    const example = new URL("../examples/cloudflare/", import.meta.url);
    const worker = (await Deno.readTextFile(new URL("worker.ts", example)))
      .replaceAll(/from "(\.[^"]+)"/g, (_, path) => `from "${new URL(path, example).pathname}"`);
    assert.deepEqual(await exampleErrors(worker), []);
    const [misfit] = await exampleErrors(
      worker.replace("ws.durable(DurableObject)", "ws.durable(Map)"),
    );
    assert.match(misfit!, /TS2554/);
  },
});

/**
 * Compiles the example with this Worker. Errors in the library's own files belong to other checks.
 */
async function exampleErrors(worker: string): Promise<string[]> {
  await Deno.mkdir(FOLDER, { recursive: true });
  await Deno.writeTextFile(new URL("texts.d.ts", FOLDER), TEXTS);
  try {
    const options = { allowImportingTsExtensions: true, lib: ["esnext"] };
    await compile("example", worker, cloudflareTypes!, options, ["texts.d.ts"]);
    return [];
  } catch (error) {
    return String(error).split("\n").filter((line) =>
      /^(.*\/)?(example\.ts|examples\/cloudflare\/\w+\.ts)\(/.test(line)
    );
  }
}

/** Compiles with `tsc`: Deno has globals of its own, and knows no module `cloudflare:workers`. */
async function compile(
  name: string,
  program: string,
  types: string,
  more: object = {},
  files: readonly string[] = [],
): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const file = new URL(`${name}.ts`, FOLDER);
  await Deno.writeTextFile(file, program);
  const settings = new URL(`${name}.json`, FOLDER);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    noImplicitOverride: true,
    target: "es2022",
    module: "nodenext",
    lib: ["es2024"],
    types: [],
    ...more,
  };
  await Deno.writeTextFile(
    settings,
    JSON.stringify({ compilerOptions, files: [types, file.pathname, ...files] }),
  );
  await run(tool("tsc"), ["--project", settings.pathname]);
}

Deno.test("the package's types of Bun fit the real ones", () => check("bun.ts", BUN));

for (
  const [release, file] of [
    ["uws20.30", "docs/index.d.ts"],
    ["uws", "index.d.ts"],
  ] as const
) {
  const types = await pinnedBinary(release, file);
  Deno.test({
    name: `the package's types of uWebSockets.js fit the real ones of ${versionOf(release)}`,
    ignore: types === undefined,
    fn: () => check(`${release}.ts`, UWS.replace("UWS_TYPES", types!)),
  });
}

Deno.test("the check of foreign types finds a type that does not fit", async () => {
  await assert.rejects(check("misfit.ts", BUN.replace("ws.websocket", "{ open: 1 }")), /TS2/);
});

async function check(name: string, program: string): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const file = new URL(name, FOLDER);
  await Deno.writeTextFile(file, program);
  // A separate configuration, as the project's excludes this folder.
  const settings = new URL("deno.json", FOLDER);
  await Deno.writeTextFile(
    settings,
    JSON.stringify({ compilerOptions: config.compilerOptions, nodeModulesDir: "none" }),
  );
  const args = ["check", "--quiet", "--config", settings.pathname, file.pathname];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
