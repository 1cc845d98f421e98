import assert from "node:assert/strict";
import { TestSocket } from "./harness/clients/test_socket.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";
import { buildExample, EXAMPLE, exampleCommand } from "./harness/processes/workerd_example.ts";
import { pinnedBinary } from "./runtimes/versions.ts";

const wrangler = await pinnedBinary("wrangler", "bin/wrangler.js");
const node = await pinnedBinary("node24", "bin/node"); // wrangler 4.164 needs Node 22.12
const command = await exampleCommand();
const ignore = command === undefined;

async function enter(url: string, path: string): Promise<TestSocket> {
  return await new TestSocket(`ws://${url}${path}`, {}).opened();
}

interface Line {
  readonly line: { readonly text: string };
  readonly position: string;
}

const say = (text: string) => JSON.stringify({ type: "say", id: crypto.randomUUID(), text });

/** Returns the next message of a kind, and drops all others before. */
async function next(client: TestSocket, wanted: string): Promise<Record<string, never>> {
  for (;;) {
    const message = JSON.parse(await client.text());
    if (message.type === wanted) return message;
  }
}

Deno.test({
  name:
    "the chat on a Durable Object delivers names and messages, keeps rooms apart, and publishes for a Worker",
  ignore,
  async fn() {
    await using server = await ServerProcess.start(command!);
    const url = `127.0.0.1:${server.port}`;
    const evict = async () => await (await fetch(`http://${url}/evict`)).text();
    const ada = await enter(url, "/room/lobby?name=Ada");
    assert.equal((await next(ada, "welcome")).people!["length"], 1);
    ada.send(say("first"));
    await next(ada, "line");
    await evict();
    ada.send(JSON.stringify({ type: "rename", name: "Lovelace" }));
    while ((await next(ada, "people")).updated!["length"] !== 1);
    await evict();
    const bob = await enter(url, "/room/lobby?name=Bob");
    const first = await next(bob, "line") as unknown as Line;
    assert.equal(first.line.text, "first");
    const { people } = await next(bob, "welcome") as unknown as { people: { name: string }[] };
    assert.deepEqual(people.map(({ name }) => name).sort(), ["Bob", "Lovelace"]);
    const { position: since } = first;
    const other = await enter(url, "/room/other?name=Eve");
    assert.equal((await next(other, "welcome")).people!["length"], 1);
    await evict();
    const text = "from a Worker";
    const answer = await fetch(`http://${url}/publish`, {
      method: "POST",
      body: JSON.stringify(["lines", { text }, { namespace: "/room/lobby" }]),
    });
    assert.equal(await answer.json(), 2);
    for (const client of [ada, bob]) assert.equal((await next(client, "line")).line!["text"], text);
    await evict();
    bob.close();
    while ((await next(ada, "people")).left!["length"] !== 1);
    await evict();
    const back = await enter(url, `/room/lobby?name=Bob&since=${since}`);
    assert.equal((await next(back, "line")).line!["text"], text);
    assert.equal((await next(back, "welcome")).missed, false);
    assert.ok(!other.queued.some((it) => String(it).includes("from a Worker")));
    for (const client of [ada, other, back]) client.terminate();
  },
});

Deno.test({
  name: "the error about a missing binding names it and the configuration that adds it",
  ignore,
  async fn() {
    await using server = await ServerProcess.start(command!);
    const refused = await enter(`127.0.0.1:${server.port}`, "/nobody").catch((refused) => refused);
    assert.equal(refused.status, 500);
    assert.match(refused.body, /env\.Nobody is no binding to a class/);
    assert.match(refused.body, /"new_sqlite_classes": \["Nobody"\]/);
  },
});

Deno.test({
  name: "wrangler accepts the example in a dry run of a deployment",
  ignore: wrangler === undefined || node === undefined,
  async fn() {
    await buildExample(); // wrangler runs the same build, but hides its errors
    const { success, stdout, stderr } = await new Deno.Command(node!, {
      args: [wrangler!, "deploy", "--dry-run"],
      cwd: EXAMPLE,
      env: { NO_COLOR: "1", WRANGLER_SEND_METRICS: "false", CI: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.ok(success, text);
    assert.match(text, /env\.Chat \(Chat\)\s+Durable Object/);
    assert.doesNotMatch(text.replaceAll(/npm warn .*|--log-level=warning/g, ""), /warning|error/i);
  },
});
