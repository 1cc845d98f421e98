import assert from "node:assert/strict";
import { Client } from "./clients/websocket_client.ts";
import { npmBinary } from "./npm_binary.ts";
import { ServerProcess } from "./server_process.ts";
import { programCommand } from "./workerd.ts";

const EXAMPLE = new URL("../examples/cloudflare/", import.meta.url);

/** The example as it stands, and two paths beside it for this test. */
const PROGRAM = `
  import { DurableObject } from "cloudflare:workers";
  import unsafe from "workerd:unsafe";
  import example, { Room } from "${EXAMPLE.pathname}worker.js";
  import adapter from "${new URL("../adapters/cloudflare.ts", import.meta.url).pathname}";
  export { Room };
  const unbound = adapter();
  export default {
    async fetch(request, env, ctx) {
      const { pathname } = new URL(request.url);
      if (pathname === "/evict/lobby") {
        await unsafe.evict(env.Room.get(env.Room.idFromName("/lobby")));
        return new Response();
      }
      const worker = pathname === "/nobody" ? unbound.worker({ binding: "Nobody" }) : example;
      try {
        return await worker.fetch(request, env, ctx);
      } catch (error) {
        return new Response(String(error), { status: 500 });
      }
    },
  };`;

const command = await programCommand("example", PROGRAM, { date: "2026-11-17" });
const ignore = command === undefined;

async function start(): Promise<{ server: ServerProcess; url: string }> {
  const server = await ServerProcess.start(command!);
  return { server, url: `127.0.0.1:${server.port}` };
}

async function enter(url: string, path: string): Promise<Client> {
  return await new Client(`ws://${url}${path}`, {}).opened();
}

const json = async (client: Client) => JSON.parse(await client.text());

Deno.test({
  name: "the example for Cloudflare: rooms, names and a Worker's word last through hibernation",
  ignore,
  async fn() {
    const { server, url } = await start();
    await using _ = server;
    const evict = async () => await (await fetch(`http://${url}/evict/lobby`)).text();
    const ada = await enter(url, "/lobby?name=Ada");
    assert.deepEqual(await json(ada), { type: "welcome", people: ["Ada"] });
    await evict();
    const bob = await enter(url, "/lobby?name=Bob");
    assert.deepEqual(await json(bob), { type: "welcome", people: ["Ada", "Bob"] });
    assert.deepEqual(await json(ada), { type: "joined", name: "Bob" });
    const other = await enter(url, "/other?name=Eve");
    assert.deepEqual(await json(other), { type: "welcome", people: ["Eve"] });
    ada.send("/name Lovelace");
    for (const client of [ada, bob]) assert.equal((await json(client)).name, "Lovelace");
    await evict();
    ada.send("hello");
    const line = { type: "line", name: "Lovelace", text: "hello" };
    for (const client of [ada, bob]) assert.deepEqual(await json(client), line);
    await evict();
    const answer = await fetch(`http://${url}/lobby`, { method: "POST", body: "news" });
    assert.deepEqual(await answer.json(), { reached: 2 });
    for (const client of [ada, bob]) assert.equal((await json(client)).text, "news");
    assert.equal(other.queued.length, 0);
    await evict();
    bob.close();
    assert.deepEqual(await json(ada), { type: "left", name: "Bob" });
    for (const client of [ada, other]) client.terminate();
  },
});

Deno.test({
  name: "a missing binding is named, with the configuration that adds it",
  ignore,
  async fn() {
    const { server, url } = await start();
    await using _ = server;
    const refused = await enter(url, "/nobody").catch((refused) => refused);
    assert.equal(refused.status, 500);
    assert.match(refused.body, /env\.Nobody is missing/);
    assert.match(refused.body, /"new_sqlite_classes": \["Nobody"\]/);
  },
});

const wrangler = await npmBinary("wrangler", "4.86.0", "bin/wrangler.js");
Deno.test({
  name: "wrangler would deploy the example as it stands",
  ignore: wrangler === undefined,
  async fn() {
    const { success, stdout, stderr } = await new Deno.Command("node", {
      args: [wrangler!, "deploy", "--dry-run"],
      cwd: EXAMPLE,
      env: { NO_COLOR: "1", WRANGLER_SEND_METRICS: "false", CI: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.ok(success, text);
    assert.match(text, /env\.Room \(Room\)\s+Durable Object/);
    assert.doesNotMatch(text, /warning|error/i);
  },
});
