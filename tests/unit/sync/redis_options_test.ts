import assert from "node:assert/strict";
import { createClient, createClientPool, createCluster, createSentinel } from "@redis/client";
import { Redis } from "ioredis";
import { Redis as Valkey } from "iovalkey";
import { redis, type RedisOptions } from "../../../sync/redis.ts";

const node = () => createClient();
const io = () => new Redis({ lazyConnect: true });

Deno.test("redis() takes clients of each library, and the options of crossws", () => {
  const accepted: readonly RedisOptions[] = [
    { client: node(), prefix: "chat" },
    { client: io(), prefix: "chat", required: true },
    { client: new Valkey({ lazyConnect: true }), prefix: "chat" },
    { client: node(), channel: "chat", connector: "node-redis" },
    { client: io(), channel: "chat", connector: "ioredis", required: undefined },
    { url: "redis://127.0.0.1:1", prefix: "chat" },
    { url: "rediss://user:password@127.0.0.1:1/2", prefix: "chat" },
  ];
  for (const options of accepted) {
    assert.ok("link" in redis(options)({ id: "0011223344556677" }));
  }
});

Deno.test("redis() throws at the call for a wrong option, and says what was found", () => {
  const cluster = new Redis.Cluster([{ host: "127.0.0.1", port: 1 }], { lazyConnect: true });
  const client = node(), prefix = "chat";
  const table: [options: unknown, found: RegExp][] = [
    [undefined, /the options as they must be an object: found undefined/],
    [{ client, prefix, name: "x" }, /Cannot use name as there is no such option: known are chan/],
    [
      { client },
      /Cannot use prefix \(or channel\) as it must be a string that is not empty: .* undefined/,
    ],
    [{ client, prefix: "" }, /Cannot use prefix as it must be a string that is not empty/],
    [{ client, channel: 5 }, /Cannot use channel .* current value is "?5"?/],
    [{ client, prefix, channel: "x" }, /Cannot use channel and prefix together/],
    [
      { client, prefix, required: "yes" },
      /Cannot use required .* a boolean: current value is "?yes"?/,
    ],
    [
      { client, prefix, connector: "redis" },
      /"ioredis" or "node-redis": current value is "?redis"?/,
    ],
    [{ client, prefix, connector: "ioredis" }, /Cannot use the client .* without call\(\)/],
    [{ client: io(), prefix, connector: "node-redis" }, /Cannot use the client .* pSubscribe\(\)/],
    [{ prefix }, /either client or url must be given: found none/],
    [{ client, prefix, url: "redis://h" }, /either client or url must be given: found both/],
    [{ url: 5, prefix }, /begin with redis:\/\/ or rediss:\/\/: found number/],
    [{ url: "http://u:secret@h", prefix }, /rediss:\/\/: found http:/],
    [{ url: "secret", prefix }, /found a text that is no URL/],
    [{ client: "redis://h", prefix }, /must be one of redis, ioredis or iovalkey: found string/],
    [{ client: null, prefix }, /must be one of redis, ioredis or iovalkey: found null/],
    [{ client: {}, prefix }, /found one without call\(\)/],
    [{ client: cluster, prefix }, /a client of a Redis Cluster: pass a client of a single server/],
    [{ client: createCluster({ rootNodes: [] }), prefix }, /a client of a Redis Cluster/],
    [{ client: createClientPool(), prefix }, /Cannot use the client/],
    [
      {
        client: createSentinel({ name: "x", sentinelRootNodes: [{ host: "h", port: 1 }] }),
        prefix,
      },
      /Cannot use the client/,
    ],
  ];
  for (const [options, found] of table) {
    assert.throws(() => redis(options as RedisOptions), (error) => {
      assert.ok(error instanceof TypeError, `${error}`);
      assert.match(error.message, found);
      assert.doesNotMatch(error.message, /secret/, "a password stays unsaid");
      return true;
    }, `${found}`);
  }
});

Deno.test("redis() with a URL reports the command that installs a missing package", async () => {
  const module = new URL("../../../", import.meta.url);
  const program = `
    const { redis } = await import("${module}sync/redis.ts");
    const { createEndpoint } = await import("${module}mod.ts");
    const sync = redis({ url: "redis://127.0.0.1:1", prefix: "chat" });
    const endpoint = createEndpoint({ sync, onError(error) {
      console.log(error.message);
      endpoint.close();
    } });
  `;
  // Without a configuration, Deno finds no package.
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--no-check", "--quiet", program],
    cwd: "/",
    env: { DENO_NO_PACKAGE_JSON: "1", NO_COLOR: "1" },
  }).output();
  const [text, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.match(text!, /the package ioredis cannot be loaded: run `npm install ioredis`/, errors);
});
