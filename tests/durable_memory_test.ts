import assert from "node:assert/strict";
import { CLOSE, closePayload, frame, TEXT } from "./harness/clients/raw_client.ts";
import { CaseClient, sleep } from "./harness/clients/case_client.ts";
import { durableObjects } from "./runtimes/durable.ts";
import { workerdCommand } from "./harness/processes/workerd.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";

/** How long workerd 2026-11 lets an object be idle before it takes it out of memory, and some more. */
const HIBERNATES_AFTER = 11_500;

/** What a Durable Object keeps beside its sockets: the peers that are too large for those. */
const command = await durableObjects.command();
const ignore = "missing" in command;

/** How many rows a new client finds. */
async function rows(client: CaseClient): Promise<number> {
  const raw = await client.upgraded({ target: client.path("?1") });
  raw.destroy();
  return (await client.logged("found")).at(-1)!.data[0];
}

Deno.test({
  name: "a peer too large for its socket is in the object's storage until it closes",
  ignore,
  async fn() {
    await using server = await ServerProcess.start(command as string[]);
    const client = new CaseClient(server, "rows-1");
    await client.open("storage");
    const small = await client.upgraded({ target: client.path("?10") });
    const large = await client.upgraded({ target: client.path("?50000") });
    await client.logged("open", 2);
    assert.equal(await rows(client), 1);
    await client.evict();
    large.write(frame(TEXT, "50"));
    await client.logged("message", 1);
    assert.equal(await rows(client), 0, "it fits on the socket again");
    large.write(frame(TEXT, "60000"));
    await client.logged("message", 2);
    assert.equal(await rows(client), 1);
    await client.evict();
    large.write(frame(CLOSE, closePayload(1000)));
    await large.ended();
    assert.equal(await rows(client), 0);
    small.destroy();
    await client.close();
  },
});

Deno.test({
  name: "a process that is killed leaves rows of peers that nobody has: the next one removes them",
  ignore,
  async fn() {
    {
      await using server = await ServerProcess.start(command as string[]);
      const client = new CaseClient(server, "rows-2");
      await client.open("storage");
      const connections = await Promise.all(
        [1, 2, 3].map(() => client.upgraded({ target: client.path("?50000") })),
      );
      await client.logged("open", 3);
      assert.equal(await rows(client), 3);
      await sleep(100); // until the disk has them
      const ended = Promise.all(connections.map((raw) => raw.ended()));
      await server.stop(); // by SIGKILL, see workerd_server.ts
      await ended;
    }
    await using server = await ServerProcess.start(command as string[]);
    const client = new CaseClient(server, "rows-2");
    await client.open("storage");
    const raw = await client.upgraded({ target: client.path("?10") });
    await client.logged("open");
    const { data } = (await client.logged("found"))[0]!;
    assert.deepEqual(data, [0], "rows when the first client came");
    assert.equal((await client.stats()).peers, 1);
    raw.destroy();
    await client.close();
  },
});

Deno.test({
  name: "an object whose peers are idle hibernates by itself; one with a hook at work does not",
  ignore,
  async fn() {
    await using server = await ServerProcess.start(command as string[]);
    const clients = ["idle", "busy"].map((name) => new CaseClient(server, `natural-${name}`));
    const sockets = await Promise.all(clients.map(async (client) => {
      await client.open("storage");
      const socket = await client.connect("?10");
      socket.send("mark");
      assert.equal(await socket.text(), "mark true");
      return socket;
    }));
    const [idle, busy] = sockets;
    busy!.send("wait");
    await sleep(HIBERNATES_AFTER);
    idle!.send("look");
    assert.equal(await idle!.text(), "look false", "its memory is new");
    await clients[1]!.release("go");
    assert.equal(await busy!.text(), "wait true");
    for (const client of clients) await client.close();
  },
});

Deno.test({
  name: "a class without SQLite keeps what fits on the socket, and says what would help for more",
  ignore,
  async fn() {
    const options = { date: "2026-11-17", sqlite: false };
    await using server = await ServerProcess.start(
      (await workerdCommand("durable-without-sqlite", options))!,
    );
    const client = new CaseClient(server, "without-sqlite");
    await client.open("H1.uncloneable");
    const socket = await client.connect();
    await client.evict();
    socket.send("look");
    assert.equal(await socket.text(), '["user"]');
    await client.close();
    const large = new CaseClient(server, "without-sqlite-large");
    await large.open("H1.large");
    const refused = await large.upgraded();
    assert.deepEqual([...(await refused.frame()).payload], [1011 >> 8, 1011 & 255]);
    refused.destroy();
    const said = await large.consoleErrors("new_sqlite_classes", 0);
    assert.ok(said.some((text) => text.includes("open hook failed")), said[0]);
    await large.close();
  },
});
