import assert from "node:assert/strict";
import { CLOSE, closePayload, frame, TEXT } from "./harness/clients/raw_client.ts";
import { CaseClient, sleep } from "./harness/clients/case_client.ts";
import { durableObjects } from "./runtimes/durable.ts";
import { WORKERD_DATE, workerdCommand } from "./harness/processes/workerd.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";

/** Milliseconds after which workerd 2026-11 has evicted an idle object, with some margin. */
const HIBERNATES_AFTER = 11_500;

/** Storage of a Durable Object: peers that are too large for the attachment of a socket. */
const command = await durableObjects.command();
const ignore = "missing" in command;

/** Returns the number of rows that a new client sees. */
async function rows(client: CaseClient): Promise<number> {
  const raw = await client.upgraded({ target: client.path("?1") });
  raw.destroy();
  return (await client.logged("found")).at(-1)!.data[0];
}

Deno.test({
  name:
    "a peer too large for its socket's attachment stays in the object's storage until it closes",
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
    assert.equal(await rows(client), 0, "rows after the peer became small again");
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
  name: "a restarted object removes the rows of peers whose process was killed",
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
      await sleep(100); // until the rows are on disk
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
  name:
    "an object with idle peers hibernates by itself, and an object with a running hook does not",
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
    assert.equal(await idle!.text(), "look false", "the object did not lose its memory");
    await clients[1]!.release("go");
    assert.equal(await busy!.text(), "wait true");
    for (const client of clients) await client.close();
  },
});

Deno.test({
  name: "a class without SQLite keeps small peers, and its error for a large peer names the remedy",
  ignore,
  async fn() {
    const options = { date: WORKERD_DATE, sqlite: false };
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
