import assert from "node:assert/strict";
import { memory } from "../../../../sync/memory.ts";
import adapter, {
  type CloudflareOptions,
  type WorkerOptions,
} from "../../../../adapters/cloudflare.ts";
import { checkDurable } from "../../../../adapters/cloudflare/options.ts";
import type { AdapterOptions } from "../../../../endpoint/adapter.ts";

Deno.test("cloudflareAdapter() rejects wrong options at the call, before the first client", () => {
  const wrong: readonly (readonly [options: object, message: RegExp])[] = [
    [{ bindingNam: "Room" }, /Cannot use bindingNam as there is no such option/],
    [{ bindingName: 5 }, /Cannot use bindingName as it must be the name of a binding/],
    [{ bindingName: "" }, /Cannot use bindingName/],
    [{ instanceName: 5 }, /Cannot use instanceName as it must be a name, or a function/],
    [{ resolveDurableStub: "Room" }, /Cannot use resolveDurableStub as it must be a function/],
    [{ sync: memory() }, /Cannot use sync on Cloudflare .* one Durable Object is one room/],
    [{ heartbeat: "ping" }, /Cannot use heartbeat as it must be \{ request/],
    [{ heartbeat: { request: "ping" } }, /Cannot use heartbeat/],
    [{ heartbeat: null }, /Cannot use heartbeat/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => adapter(options as CloudflareOptions), { name: "TypeError", message });
  }
  adapter({
    bindingName: "Room",
    instanceName: () => "a",
    heartbeat: { request: "", response: "" },
  });
});

Deno.test("worker() rejects wrong options, including those of the adapter", () => {
  const ws = adapter();
  const wrong: readonly (readonly [options: object, message: RegExp])[] = [
    [{ bindingName: "Room" }, /no such option: known are binding, instance, fetch/],
    [{ binding: 5 }, /Cannot use binding as it must be the name of a binding/],
    [{ instance: {} }, /Cannot use instance/],
    [{ fetch: new Response() }, /Cannot use fetch as it must be a function/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => ws.worker(options as WorkerOptions), { name: "TypeError", message });
  }
});

Deno.test("a Worker without its binding answers 500, and logs the configuration to add", async () => {
  const upgrade = new Request("http://localhost/", { headers: { upgrade: "websocket" } });
  const said: unknown[] = [];
  const original = console.error;
  console.error = (...words) => said.push(...words);
  try {
    const worker = adapter().worker({ binding: "Room" });
    assert.equal((await worker.fetch(upgrade, { Room: "a text" }, {})).status, 500);
  } finally {
    console.error = original;
  }
  assert.match(String(said[1]), /env\.Room is no binding.*"durable_objects"/s);
  await assert.rejects(adapter({ bindingName: "Room" }).handleUpgrade(upgrade, {}, {}), TypeError);
  const message = /without the request's ctx: call handleUpgrade\(request, env, ctx\)/;
  await assert.rejects(adapter().handleUpgrade(upgrade, {}, undefined), { message });
});

Deno.test("a plain Worker with a compatibility date before 2024-10-14 rejects the first upgrade", async () => {
  const request = new Request("http://localhost/", { headers: { upgrade: "websocket" } });
  const compatibilityFlags = { handle_cross_request_promise_resolution: false };
  Object.assign(globalThis, { Cloudflare: { compatibilityFlags } });
  try {
    const answer = adapter().handleUpgrade(request, {}, { waitUntil() {} });
    await assert.rejects(answer, {
      message: /set compatibility_date in wrangler.jsonc to 2024-10-14/,
    });
  } finally {
    delete (globalThis as { Cloudflare?: unknown }).Cloudflare;
  }
});

Deno.test("worker() uses the first of binding, resolveDurableStub, bindingName and $DurableObject that exists", async () => {
  const headers = {
    upgrade: "websocket",
    host: "localhost",
    connection: "upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AQIDBAUGBwgJCgsMDQ4PEA==",
  };
  const answer = (name: string) => ({ fetch: () => Promise.resolve(new Response(name)) });
  const binding = (name: string) => ({ idFromName: (id: string) => `${name} ${id}`, get: answer });
  const env = {
    Room: binding("Room"),
    Lobby: binding("Lobby"),
    $DurableObject: binding("default"),
  };
  const resolving = { bindingName: "Room", resolveDurableStub: () => answer("resolved") };
  const reach = async (options: object, worker: WorkerOptions) => {
    const request = new Request("http://localhost/", { headers });
    return await (await adapter(options).worker(worker).fetch(request, env, {})).text();
  };
  assert.equal(await reach(resolving, {}), "resolved");
  assert.equal(await reach(resolving, { binding: "Lobby" }), "Lobby onepeer");
  assert.equal(await reach({}, {}), "default onepeer");
  assert.equal(await reach({ bindingName: "Room" }, {}), "Room onepeer");
  assert.equal(await reach({ bindingName: "Room" }, { instance: "a" }), "Room a");
  assert.equal(await reach({ bindingName: "Room", instanceName: "b" }, {}), "Room b");
});

Deno.test("the adapter's own peers and publish() are those of the isolate, and throw for Durable Objects", () => {
  const plain = adapter();
  assert.deepEqual([plain.peers.size, plain.publish("t", "x")], [0, 0]);
  const served = adapter();
  served.durable(class {});
  for (const ws of [served, adapter({ bindingName: "Room" })]) {
    const message = /each Durable Object has its own peers: use room\(object\)/;
    assert.throws(() => ws.peers, { name: "TypeError", message });
    assert.throws(() => ws.publish("t", "x"), { name: "TypeError", message });
  }
});

Deno.test("a Durable Object passes only endpoint options to its endpoint", () => {
  const heartbeat = { request: "ping", response: "pong" };
  const options = {
    heartbeat,
    perMessageDeflate: true,
    trustProxy: 1,
    limits: undefined,
  } as object;
  assert.deepEqual(checkDurable(options as AdapterOptions), { trustProxy: 1 });
});
