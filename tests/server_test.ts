import assert from "node:assert/strict";
import { RawClient } from "./harness/clients/raw_client.ts";
import { TestSocket } from "./harness/clients/test_socket.ts";
import { fixture, runtimes } from "./runtimes/native.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";

/** A3: one program with `serve()` runs unchanged on every runtime. */
for (const runtime of runtimes) {
  const command = await runtime.command(fixture("server"));
  const missing = "missing" in command;
  Deno.test({
    name: `${runtime.title} A3: serve() answers HTTP and WebSocket on one port, drains, then stops`,
    ignore: missing,
    async fn() {
      const server = await ServerProcess.start(command as string[]);
      try {
        assert.match(
          server.output,
          /^OCCUPIED EADDRINUSE$/m,
          "ready() did not reject on a port in use",
        );
        assert.match(
          server.output,
          /^DIALS http:\/\/localhost:\d+\/\nGONE$/m,
          "addresses on which the server answers",
        );
        assert.match(
          server.output,
          /^TWO PLACES TypeError\nMAX 7$/m,
          "error about hooks given twice, and the peer limit",
        );
        assert.equal(server.address, `http://127.0.0.1:${server.port}/`);

        const answer = await fetch(`${server.address}a?b`, { method: "POST", body: "hello" });
        assert.equal(await answer.text(), "POST /a hello");

        const client = await new TestSocket(server.address.replace("http", "ws"), {}).opened();
        client.send("hi");
        assert.equal(await client.text(), "you said hi");

        const raw = await RawClient.connect({ port: server.port, host: "127.0.0.1" });
        raw.handshake({ headers: { Upgrade: "WebSocket" } });
        assert.equal((await raw.head()).status, 101, "header in another case");
        raw.destroy();

        const tooMuch = await new TestSocket(server.address.replace("http", "ws"), {}).opened();
        tooMuch.send("x".repeat(101));
        assert.equal((await tooMuch.closed).code, 1009, "message above a limit given beside hooks");

        await server.stop();
        assert.equal(await client.text(), "goodbye");
        assert.deepEqual(await client.closed, { code: 1012, reason: "restart" });
        assert.match(server.output, /CLOSED\nCLOSED\nSTOPPED 0\n$/);
        await assert.rejects(fetch(server.address), "the stopped server still listens");
      } finally {
        await server.stop();
      }
    },
  });
}
