import assert from "node:assert/strict";
import { CLOSE, closePayload, frame, TEXT } from "./harness/clients/raw_client.ts";
import { sleep, TestBed } from "./harness/clients/test_bed.ts";
import { durableObjects } from "./runtimes/durable.ts";
import { workerdCommand } from "./harness/processes/workerd.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";

/** How long workerd 2026-11 lets an object be idle before it takes it out of memory, and some more. */
const HIBERNATES_AFTER = 11_500;

/** What a Durable Object keeps beside its sockets: the peers that are too large for those. */
const command = await durableObjects.command();
const ignore = "missing" in command;

/** How many rows a new client finds. */
async function rows(t: TestBed): Promise<number> {
  const client = await t.upgraded({ target: t.path("?1") });
  client.destroy();
  return (await t.logged("found")).at(-1)!.data[0];
}

Deno.test({
  name: "a peer too large for its socket is in the object's storage until it closes",
  ignore,
  async fn() {
    await using server = await ServerProcess.start(command as string[]);
    const t = new TestBed(server, "rows-1");
    await t.open("storage");
    const small = await t.upgraded({ target: t.path("?10") });
    const large = await t.upgraded({ target: t.path("?50000") });
    await t.logged("open", 2);
    assert.equal(await rows(t), 1);
    await t.evict();
    large.write(frame(TEXT, "50"));
    await t.logged("message", 1);
    assert.equal(await rows(t), 0, "it fits on the socket again");
    large.write(frame(TEXT, "60000"));
    await t.logged("message", 2);
    assert.equal(await rows(t), 1);
    await t.evict();
    large.write(frame(CLOSE, closePayload(1000)));
    await large.ended();
    assert.equal(await rows(t), 0);
    small.destroy();
    await t.close();
  },
});

Deno.test({
  name: "a process that is killed leaves rows of peers that nobody has: the next one removes them",
  ignore,
  async fn() {
    {
      await using server = await ServerProcess.start(command as string[]);
      const t = new TestBed(server, "rows-2");
      await t.open("storage");
      const clients = await Promise.all(
        [1, 2, 3].map(() => t.upgraded({ target: t.path("?50000") })),
      );
      await t.logged("open", 3);
      assert.equal(await rows(t), 3);
      await sleep(100); // until the disk has them
      const ended = Promise.all(clients.map((client) => client.ended()));
      await server.stop(); // by SIGKILL, see workerd_server.ts
      await ended;
    }
    await using server = await ServerProcess.start(command as string[]);
    const t = new TestBed(server, "rows-2");
    await t.open("storage");
    const client = await t.upgraded({ target: t.path("?10") });
    await t.logged("open");
    const { data } = (await t.logged("found"))[0]!;
    assert.deepEqual(data, [0], "rows when the first client came");
    assert.equal((await t.stats()).peers, 1);
    client.destroy();
    await t.close();
  },
});

Deno.test({
  name: "an object whose peers are idle hibernates by itself; one with a hook at work does not",
  ignore,
  async fn() {
    await using server = await ServerProcess.start(command as string[]);
    const beds = ["idle", "busy"].map((name) => new TestBed(server, `natural-${name}`));
    const clients = await Promise.all(beds.map(async (t) => {
      await t.open("storage");
      const client = await t.connect("?10");
      client.send("mark");
      assert.equal(await client.text(), "mark true");
      return client;
    }));
    const [idle, busy] = clients;
    busy!.send("wait");
    await sleep(HIBERNATES_AFTER);
    idle!.send("look");
    assert.equal(await idle!.text(), "look false", "its memory is new");
    await beds[1]!.release("go");
    assert.equal(await busy!.text(), "wait true");
    for (const t of beds) await t.close();
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
    const t = new TestBed(server, "without-sqlite");
    await t.open("H1.uncloneable");
    const client = await t.connect();
    await t.evict();
    client.send("look");
    assert.equal(await client.text(), '["user"]');
    await t.close();
    const large = new TestBed(server, "without-sqlite-large");
    await large.open("H1.large");
    const refused = await large.upgraded();
    assert.deepEqual([...(await refused.frame()).payload], [1011 >> 8, 1011 & 255]);
    refused.destroy();
    const said = await large.consoleErrors("new_sqlite_classes", 0);
    assert.ok(said.some((text) => text.includes("open hook failed")), said[0]);
    await large.close();
  },
});
