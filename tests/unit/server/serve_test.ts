import assert from "node:assert/strict";
import { givenOptions } from "../../../common/option_names.ts";
import { checkListenOptions } from "../../../server/listen_options.ts";
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

Deno.test("only serve on Node knows wss and serverOptions", () => {
  for (const name of ["wss", "serverOptions"]) {
    const websocket = { [name]: {} };
    assert.deepEqual(Object.keys(websocketOptions("node", { websocket })), [name, "resolve"]);
    assert.throws(() => websocketOptions("deno", { websocket }), {
      name: "TypeError",
      message: new RegExp(`^Cannot use websocket\\.${name} as there is no such hook or option`),
    });
  }
});

Deno.test("an error of serve names the path of the hook or option that the caller wrote", () => {
  const table: [websocket: object, message: RegExp][] = [
    [{ open: 1 }, /^Cannot use websocket\.open as it must be a function: /],
    [{ hooks: { open: 1 } }, /^Cannot use websocket\.hooks\.open as it must be a function: /],
    [
      { options: { deno: { wss: {} } } },
      /^Cannot use websocket\.options\.deno\.wss as there is no/,
    ],
    [{ options: { deno: "x" } }, /^Cannot use websocket\.options\.deno as it must be an object: /],
  ];
  for (const [websocket, message] of table) {
    assert.throws(() => websocketOptions("deno", { websocket }), { name: "TypeError", message });
  }
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

Deno.test("serve() rejects a mistyped hook, and names the hooks", () => {
  const websocket = { mesage() {} } as object;
  assert.throws(() => websocketOptions("deno", { websocket }), {
    name: "TypeError",
    message: /^Cannot use websocket\.mesage as there is no such hook or option: .*message.*limits/,
  });
});

Deno.test("serve() accepts its options as undefined", () => {
  const absent: object = {
    port: undefined,
    hostname: undefined,
    tls: undefined,
    fetch: undefined,
    plugins: undefined,
    websocket: undefined,
  };
  assert.deepEqual(Object.keys(websocketOptions("deno", absent)), ["resolve"]);
  assert.deepEqual(checkListenOptions(absent), { port: 3000, hostname: "0.0.0.0" });
  const websocket: object = { hooks, open: undefined, resolve: undefined, options: undefined };
  assert.deepEqual(givenOptions(websocketOptions("deno", { websocket })), { hooks });
  const options = { deno: undefined } as object;
  assert.deepEqual(websocketOptions("deno", { websocket: { hooks, options } }), { hooks });
});

Deno.test("serve() rejects an option of the wrong kind", () => {
  const table: [options: object, name: string, message: RegExp][] = [
    [{ port: "3000x" }, "TypeError", /port.*0 to 65535.*3000x/],
    [{ port: "" }, "TypeError", /port/],
    [{ port: null }, "TypeError", /port.*null/],
    [{ port: -1 }, "RangeError", /port.*-1/],
    [{ port: 65536 }, "RangeError", /port.*65536/],
    [{ port: 80.5 }, "RangeError", /port.*80\.5/],
    [{ port: "65536" }, "RangeError", /port.*65536/],
    [{ hostname: 127 }, "TypeError", /hostname.*string.*127/],
    [{ tls: true }, "TypeError", /tls.*object/],
    [{ tls: { cert: "c" } }, "TypeError", /tls\.key.*string/],
    [{ tls: { cert: "c", key: "k", ca: "a" } }, "TypeError", /tls\.ca.*cert, key/],
  ];
  for (const [options, name, message] of table) {
    assert.throws(() => checkListenOptions(options), { name, message });
  }
  assert.throws(() => websocketOptions("deno", { fetch: {} } as object), /fetch.*a function/);
});

Deno.test("serve() accepts a port as digits, as in an environment variable", () => {
  assert.equal(checkListenOptions({ port: "8080" }).port, 8080);
});
