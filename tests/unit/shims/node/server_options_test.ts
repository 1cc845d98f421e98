import assert from "node:assert/strict";
import { WebSocketServer } from "ws";
import adapter from "../../../../adapters/node.ts";
import { createEndpoint } from "../../../../endpoint/endpoint.ts";

Deno.test("serverOptions of Node sets a limit that the option limits leaves out", () => {
  const serverOptions = { maxPayload: 8 << 20, closeTimeout: 500 };
  const limits = { idleTimeout: 1000 };
  const { endpoint } = adapter({ serverOptions, limits });
  const { maxPayload, closeTimeout, idleTimeout } = endpoint.limits;
  assert.deepEqual([maxPayload, closeTimeout, idleTimeout], [8 << 20, 500, 1000]);
});

Deno.test("serverOptions of Node rejects an entry that would have no effect", () => {
  const table: [options: object, message: RegExp][] = [
    [{ serverOptions: { maxPayload: 1 }, limits: { maxPayload: 2 } }, /maxPayload as limits\.max/],
    [{ serverOptions: { closeTimeout: 1 }, endpoint: createEndpoint() }, /closeTimeout as limits/],
    [{ serverOptions: { perMessageDeflate: true }, perMessageDeflate: false }, /perMessageDeflate/],
    [{ serverOptions: { port: 0 } }, /serverOptions\.port as the server that calls/],
    [{ serverOptions: { host: "::1" } }, /serverOptions\.host/],
    [{ serverOptions: { server: {} } }, /serverOptions\.server/],
    [{ serverOptions: { backlog: 9 } }, /serverOptions\.backlog/],
    [{ serverOptions: { skipUTF8Validation: true } }, /skipUTF8Validation as text is always/],
    [{ serverOptions: { maxPendingAutoPongs: 5 } }, /maxPendingAutoPongs/],
    [{ serverOptions: null }, /serverOptions.*object.*null/],
  ];
  for (const [options, message] of table) {
    assert.throws(() => adapter(options), { name: "TypeError", message });
  }
});

Deno.test("wss of Node must be a server of ws, and excludes serverOptions", () => {
  for (const wss of [true, null, {}, "ws", () => {}, { options: {} }] as never[]) {
    assert.throws(() => adapter({ wss }), {
      name: "TypeError",
      message: /^Cannot use wss as it must be a WebSocketServer of ws: current value is /,
    });
  }
  const wss = new WebSocketServer({ noServer: true });
  adapter({ wss });
  assert.throws(() => adapter({ wss, serverOptions: {} }), {
    name: "TypeError",
    message: "Cannot use serverOptions together with wss: give the options to your WebSocketServer",
  });
});

Deno.test("serverOptions of Node accepts entries that have their default", () => {
  const defaults = { noServer: true, port: null, host: null, server: null, backlog: null };
  adapter({
    serverOptions: { ...defaults, maxPayload: undefined, skipUTF8Validation: false },
    limits: { maxPayload: 2 },
  });
});
