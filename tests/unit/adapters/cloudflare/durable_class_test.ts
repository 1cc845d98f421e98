import assert from "node:assert/strict";
import { durableClass } from "../../../../adapters/cloudflare/durable_class.ts";
import type { DurableEndpoint } from "../../../../adapters/cloudflare/durable_endpoint.ts";

/** Calls each handler of a served class for our socket and for another one. Returns what ran. */
async function handled(base: new (said: string[]) => object): Promise<string[]> {
  const said: string[] = [];
  const ours = {}, theirs = { close: (code: number) => void said.push(`answered ${code}`) };
  const handle = (name: string) => () => Promise.resolve(void said.push(`adapter ${name}`));
  const endpoint = {
    isOurs: (socket: object) => socket === ours,
    handleMessage: handle("message"),
    handleClose: handle("close"),
    handleError: handle("error"),
  } as unknown as DurableEndpoint;
  const Served = durableClass(base, () => said.push("prepared"), () => endpoint);
  const object = new Served(said);
  for (const socket of [ours, theirs]) {
    await object.webSocketMessage(socket, "x");
    await object.webSocketClose(socket, 4000, "", true);
    await object.webSocketError(socket, new Error());
  }
  return said;
}

Deno.test("a class of durable() passes events of other sockets to its base class", async () => {
  class Base {
    readonly said: string[];
    constructor(said: string[]) {
      this.said = said;
      said.push("constructed");
    }
    webSocketMessage(_: object, message: string) {
      this.said.push(`base message ${message}`);
    }
    webSocketClose(_: object, code: number) {
      this.said.push(`base close ${code}`);
    }
    webSocketError() {
      this.said.push("base error");
    }
  }
  assert.deepEqual(await handled(Base), [
    "prepared",
    "constructed",
    "adapter message",
    "adapter close",
    "adapter error",
    "base message x",
    "base close 4000",
    "base error",
  ]);
});

Deno.test("a class of durable() answers the close of another socket if the base class does not", async () => {
  const said = await handled(class {});
  assert.deepEqual(said.slice(4), ["answered 4000"]);
});
