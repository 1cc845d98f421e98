import assert from "node:assert/strict";
import { nats, type NatsOptions } from "../../../sync/nats.ts";

Deno.test("nats() throws a TypeError for each wrong option, at the call", () => {
  const connect = () => Promise.reject(new Error("not called"));
  const table: readonly [options: unknown, message: RegExp][] = [
    [undefined, /must be an object/],
    [{}, /servers or connect must be given/],
    [{ prefix: "chat" }, /servers or connect must be given: found none/],
    [{ servers: "a.example" }, /prefix .*found undefined/],
    [{ connect }, /prefix/],
    [{ connect: {}, prefix: "chat" }, /connect .*must be a function: found object/],
    [{ connect, prefix: "chat", required: 1 }, /required .*boolean: found number/],
    [{ connect, prefix: "chat", token: "secret" }, /there is no such option/],
    [{ servers: [], prefix: "chat" }, /found an empty list/],
    [{ servers: 4222, prefix: "chat" }, /found number/],
    [{ servers: ["a.example", null], prefix: "chat" }, /found object/],
    [{ servers: "ws://a.example", prefix: "chat" }, /must be like nats:\/\/host:4222/],
    ...["", " ", "a b", "a.*", ">", "a..b", ".a", "a.", "$SYS", "a\r\nPUB", "é", 7].map(
      (prefix): [unknown, RegExp] => [{ connect, prefix }, /Cannot use prefix/],
    ),
  ];
  for (const [options, message] of table) {
    assert.throws(() => nats(options as NatsOptions), (error: Error) => {
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("nats() accepts plain prefixes in parts, and an undefined option as absent", () => {
  for (const prefix of ["chat", "shop.chat", "a-b_c.1"]) {
    nats({ servers: "a.example", connect: undefined, required: undefined, prefix });
  }
});

Deno.test("nats() by servers alone reports the command that installs a missing package", async () => {
  const module = new URL("../../../", import.meta.url).href;
  const program = `
    const { createServer } = await import("node:net");
    const { nats } = await import("${module}sync/nats.ts");
    const { createEndpoint } = await import("${module}mod.ts");
    const server = createServer((socket) => socket.on("error", () => {}).end("INFO {}\\r\\n"));
    server.listen(0, "127.0.0.1", () => {
      const sync = nats({ servers: "127.0.0.1:" + server.address().port, prefix: "chat" });
      const endpoint = createEndpoint({ sync, onError(error) {
        console.log(error.message);
        endpoint.close();
        server.close();
      } });
    });
  `;
  // Without a configuration, Deno finds no package.
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--no-check", "--quiet", program],
    cwd: "/",
    env: { DENO_NO_PACKAGE_JSON: "1", NO_COLOR: "1" },
  }).output();
  const [text, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.match(text!, /run `npm install @nats-io\/transport-node`, or pass connect/, errors);
});
