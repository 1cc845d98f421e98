import assert from "node:assert/strict";
import { serve as serveDeno } from "srvx/deno";
import { serve as serveNode } from "srvx/node";
import { plugin as denoPlugin } from "../../../server/deno.ts";
import { plugin as nodePlugin } from "../../../server/node.ts";

const kinds = [["Deno", serveDeno, denoPlugin], ["Node", serveNode, nodePlugin]] as const;

for (const [title, serve, plugin] of kinds) {
  Deno.test(`${title} plugin(): a handshake without Upgrade gets a 426 with the reason`, async () => {
    const server = serve({
      port: 0,
      hostname: "127.0.0.1",
      silent: true,
      fetch: () => new Response("the page"),
      plugins: [plugin({ message() {} }) as never],
    });
    await server.ready();
    const headers = {
      "sec-websocket-version": "13",
      "sec-websocket-key": btoa("0123456789abcdef"),
    };
    const refusal = await fetch(server.url!, { headers });
    assert.equal(refusal.status, 426);
    assert.match(await refusal.text(), /`Connection: Upgrade`/);
    assert.equal(await (await fetch(server.url!)).text(), "the page");
    await server.close(true);
  });
}
