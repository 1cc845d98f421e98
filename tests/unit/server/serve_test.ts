import assert from "node:assert/strict";
import { websocketOptions } from "../../../server/serve.ts";

const hooks = {};

Deno.test("websocket.options adds the options of the current runtime", () => {
  const options = { node: { retainHeaders: ["cookie"] }, bun: { retainHeaders: ["host"] } };
  const websocket = { hooks, options };
  assert.deepEqual(websocketOptions("node", { websocket }), { hooks, retainHeaders: ["cookie"] });
});

Deno.test("an undefined option in websocket.options keeps the common option", () => {
  const websocket = { hooks, trustProxy: 1, options: { node: { trustProxy: undefined } } };
  assert.deepEqual(websocketOptions("node", { websocket }), { hooks, trustProxy: 1 });
});

Deno.test("websocket.options rejects a key that is not a runtime", () => {
  const websocket = { hooks, options: { nodejs: {} } as object };
  assert.throws(() => websocketOptions("node", { websocket }), {
    name: "TypeError",
    message: "Cannot use websocket.options.nodejs as there is no such runtime: known are " +
      "deno, node, bun, uws, cloudflare, sse",
  });
});

Deno.test("serve() rejects unknown options, and names the place of hooks and limits", () => {
  assert.throws(() => websocketOptions("deno", { limits: {} } as object), {
    name: "TypeError",
    message: /^Cannot use limits as there is no such option: .*; hooks and limits belong/,
  });
});
