import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { respond, type ResponseLimits } from "../../../../shims/node/node_response.ts";
import { TimeLimit } from "../../../harness/time_limit.ts";

Deno.test("respond() disconnects a client that does not read the response in time", async () => {
  await using served = await serving((it, stream) => {
    let cancelled = (_: unknown) => {};
    const isCancelled = new Promise((resolve) => cancelled = resolve);
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
      cancel: cancelled,
    });
    return Promise.all([respond(it, stream, new Response(body), endpoint(1)), isCancelled]);
  });
  const client = connect(served.port, "127.0.0.1").pause();
  client.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  await new TimeLimit(5000).race(served.answered, "the client is still connected")
    .finally(() => client.destroy());
});

Deno.test("respond() leaves no timer behind after the client has read the response", async () => {
  await using served = await serving((it, stream) =>
    respond(it, stream, new Response("no"), endpoint(1e9))
  );
  const headers = { connection: "upgrade", upgrade: "websocket" };
  const client = request({ port: served.port, host: "127.0.0.1", headers }).end();
  const [response] = await once(client, "response") as [IncomingMessage];
  response.resume();
  await Promise.all([once(response, "close"), served.answered]);
});

Deno.test("respond() disconnects a client that does not read once the endpoint has closed", async () => {
  const unread = () => new Response(new Uint8Array(32 * 1024 * 1024));
  const open = endpoint(1e9), closed = { ...endpoint(1e9), isClosed: () => true };
  for (const limits of [open, closed]) {
    await using served = await serving((it, stream) => respond(it, stream, unread(), limits));
    const client = connect(served.port, "127.0.0.1").pause();
    client.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await served.asked;
    if (limits === open) { for (const hurry of limits.pending) hurry(); }
    await new TimeLimit(5000).race(served.answered, "the client is still connected")
      .finally(() => client.destroy());
    assert.equal(limits.pending.size, 0);
  }
});

/** Limits of an endpoint that is open. */
function endpoint(handshakeTimeout: number): ResponseLimits {
  return { limits: { handshakeTimeout }, isClosed: () => false, pending: new Set() };
}

interface Served {
  readonly port: number;
  /** Resolves when the answer has begun. */
  readonly asked: Promise<unknown>;
  readonly answered: Promise<unknown>;
}

/** Starts a server that answers its first upgrade request by `answer`. */
async function serving(
  answer: (request: IncomingMessage, stream: Duplex) => Promise<unknown>,
): Promise<AsyncDisposable & Served> {
  const server: Server = createServer();
  const streams: Duplex[] = [];
  server.on("connection", (stream) => streams.push(stream));
  const asked = once(server, "upgrade");
  const answered = asked.then(async ([request, stream]) => {
    const closed = once(stream, "close");
    await answer(request, stream);
    await closed;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    asked: asked.then(() => new Promise((resolve) => setTimeout(resolve))),
    answered,
    async [Symbol.asyncDispose]() {
      for (const stream of streams) stream.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
