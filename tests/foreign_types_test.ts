import assert from "node:assert/strict";
import config from "../deno.json" with { type: "json" };
import { npmBinary } from "./npm_binary.ts";

/**
 * Our minimal types of foreign things against the real ones. Each program is checked by itself,
 * since the real types add globals of their runtime.
 */
const FOLDER = new URL("../.cache/types/", import.meta.url);

const BUN = `/// <reference types="npm:bun-types@1.4.5" />
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

Deno.test("our types of Bun fit Bun's own", () => check("bun.ts", BUN));

const uwsTypes = await npmBinary(
  "uWebSockets.js",
  "npm:@trufflesuite/uws-js-unofficial@20.30.0-unofficial.0",
  "docs/index.d.ts",
);
Deno.test({
  name: "our types of uWebSockets.js fit its own",
  ignore: uwsTypes === undefined,
  fn: () => check("uws.ts", UWS.replace("UWS_TYPES", uwsTypes!)),
});

Deno.test("a type that does not fit is found", async () => {
  await assert.rejects(check("misfit.ts", BUN.replace("ws.websocket", "{ open: 1 }")), /TS2/);
});

async function check(name: string, program: string): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const file = new URL(name, FOLDER);
  await Deno.writeTextFile(file, program);
  // A configuration of its own: the project's leaves this folder out.
  const settings = new URL("deno.json", FOLDER);
  await Deno.writeTextFile(
    settings,
    JSON.stringify({ compilerOptions: config.compilerOptions, nodeModulesDir: "none" }),
  );
  const args = ["check", "--quiet", "--config", settings.pathname, file.pathname];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
