import assert from "node:assert/strict";
import adapter from "../../../adapters/sse.ts";

Deno.test("SSEAdapter.fetch uses Bun's server that srvx and serve() store on the request", async () => {
  const sse = adapter({ hooks: { upgrade: () => new Response("no", { status: 403 }) } });
  const timeouts: unknown[] = [];
  const server = {
    requestIP: () => ({ address: "192.0.2.1" }),
    timeout: (of: Request, seconds: number) => timeouts.push([of === request, seconds]),
  };
  const headers = { accept: "text/event-stream", host: "localhost" };
  const request = Object.assign(new Request("http://localhost/", { headers }), {
    runtime: { name: "bun", bun: { server } },
  });
  const response = await sse.fetch(request);
  assert.equal(response.status, 403);
  assert.deepEqual(timeouts, [[true, 0]]);
});
