import assert from "node:assert/strict";
import bun from "../../../adapters/bun.ts";
import cloudflare from "../../../adapters/cloudflare.ts";
import deno from "../../../adapters/deno.ts";
import node from "../../../adapters/node.ts";
import sse from "../../../adapters/sse.ts";
import uws from "../../../adapters/uws.ts";
import { startServer } from "../../../server/serve.ts";

type Methods = Record<string | symbol, (...args: unknown[]) => unknown>;

/** The part of a Durable Object's context that a room needs without peers. */
const CONTEXT = {
  storage: { kv: { list: () => [] } },
  getWebSockets: () => [],
  waitUntil: () => {},
} as never;

/** Makes each object whose methods a caller may take apart. */
const makers: Readonly<Record<string, () => object>> = {
  bun: () => bun(),
  cloudflare: () => cloudflare({ bindingName: "Room" }),
  deno: () => deno(),
  node: () => node(),
  sse: () => sse(),
  uws: () => uws(),
  "Durable room": () => cloudflare().handleDurableInit({}, CONTEXT),
  "isolate of a plain Worker": () => cloudflare().isolate,
  "module Worker": () => cloudflare({ bindingName: "Room" }).worker(),
  server: () => startServer(deno(), { port: 0 }, () => ({ port: 1, stop() {}, cut() {} })),
};

/** Names of all methods of an object, inherited ones included. */
function methodsOf(object: object): (string | symbol)[] {
  const names = new Set<string | symbol>();
  for (let it = object; it !== Object.prototype; it = Object.getPrototypeOf(it)) {
    for (const name of Reflect.ownKeys(it)) {
      const { value } = Reflect.getOwnPropertyDescriptor(it, name)!;
      if (typeof value === "function" && name !== "constructor") names.add(name);
    }
  }
  return [...names];
}

/** Returns the error of a call without arguments, or `undefined`. */
async function failureOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

for (const [name, make] of Object.entries(makers)) {
  Deno.test(`Each method of this object works if called without the object: ${name}`, async () => {
    const methods = methodsOf(make());
    assert.ok(methods.length > 0);
    for (const method of methods) {
      const attached = make() as Methods;
      const { [method]: detached } = make() as Methods;
      const expected = await failureOf(() => attached[method]!());
      assert.equal(await failureOf(() => detached!()), expected, String(method));
    }
  });
}

Deno.test("A method of a subclass replaces the method of the adapter", () => {
  class Loud extends (deno().constructor as new (options: object) => ReturnType<typeof deno>) {
    override publish(): number {
      return 42;
    }
  }
  const { publish } = new Loud({});
  assert.equal(publish(), 42);
});
