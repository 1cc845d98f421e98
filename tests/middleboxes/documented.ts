import assert from "node:assert/strict";
import type { Transport } from "../harness/clients/connect_options.ts";
import { Middlebox } from "../harness/processes/middlebox.ts";
import { documented } from "./configurations.ts";
import {
  assertEchoes,
  type Fact,
  greeting,
  opened,
  portOf,
  refused,
  type Scene,
  TRANSPORTS,
  within,
} from "./scene.ts";

/** Starts a proxy as the documentation shows. */
async function start({ name, server: { port }, certificate }: Scene): Promise<Middlebox> {
  return await Middlebox.start(name, await documented(name, port, { certificate }));
}

/** Facts for each transport, with the configurations of the documentation. */
function factsOf(transport: Transport): Fact[] {
  const facts: Fact[] = [
    {
      fact: "the peer of a client over TLS has the public URL and the client's address",
      async run(scene) {
        await using proxy = await start(scene);
        const { path, certificate: { cert } } = scene;
        const headers = {
          "X-Forwarded-For": "6.6.6.6",
          "X-Forwarded-Host": "evil.example",
          "X-Forwarded-Proto": "http",
        };
        const options = { ca: cert, localAddress: "127.0.0.2", headers };
        const socket = await opened(proxy, `${path}?a=1`, options, transport);
        assert.deepEqual(await greeting(socket), {
          url: `https://127.0.0.1:${proxy.port}${path}?a=1`,
          address: "127.0.0.2",
          namespace: path,
        });
        await assertEchoes(socket);
      },
    },
    {
      fact: "the server sees a path below /live without this prefix",
      async run(scene) {
        await using proxy = await start(scene);
        const { path, certificate: { cert } } = scene;
        const socket = await opened(proxy, `/live${path}?a=/live/`, { ca: cert }, transport);
        const { url, namespace } = await greeting(socket);
        assert.equal(url, `https://127.0.0.1:${proxy.port}${path}?a=/live/`);
        assert.equal(namespace, path);
        await assertEchoes(socket);
      },
    },
    {
      fact: "a page of the public host may connect with cookies, a page of another host may not",
      async run(scene) {
        await using proxy = await start(scene);
        const { path, certificate: { cert } } = scene;
        const from = (origin: string) => ({ ca: cert, origin, headers: { Cookie: "a=1" } });
        const own = from(`https://127.0.0.1:${proxy.port}`);
        const socket = await opened(proxy, path, own, transport);
        assert.equal((await greeting(socket)).namespace, path);
        await assertEchoes(socket);
        const { status } = await refused(proxy, path, from("https://evil.example"), transport);
        assert.equal(status, 403);
      },
    },
    {
      fact: "the refusal of a hook reaches the client",
      async run(scene) {
        await using proxy = await start(scene);
        const { certificate: { cert } } = scene;
        const { status, body } = await refused(proxy, "/refused", { ca: cert }, transport);
        assert.deepEqual([status, body], [403, "come back later"]);
      },
    },
    {
      fact: "a message of 1 MiB, the largest by default, arrives in both directions",
      async run(scene) {
        await using proxy = await start(scene);
        const { path, certificate: { cert } } = scene;
        const socket = await opened(proxy, path, { ca: cert }, transport);
        await greeting(socket);
        const message = "x".repeat(1024 * 1024);
        socket.send(message);
        assert.ok(await within(socket.next(20_000), "the message") === message);
        await assertEchoes(socket);
      },
    },
  ];
  return facts.map((it) => ({ ...it, fact: `as documented, ${it.fact} (${transport})` }));
}

/** Facts about the configurations of the documentation. */
export const documentedFacts: readonly Fact[] = [
  ...TRANSPORTS.flatMap(factsOf),
  {
    fact: "as documented for several processes, all requests of an SSE client reach the same one",
    async run({ name, server, path, certificate }) {
      const second = portOf(server, "ADMITTING");
      const several = await documented(name, server.port, { certificate, second });
      await using proxy = await Middlebox.start(name, several);
      for (let i = 0; i < 4; i++) {
        const socket = await opened(proxy, path, { ca: certificate.cert }, "sse");
        await greeting(socket);
        await assertEchoes(socket);
      }
    },
  },
  {
    fact: "as documented, a WebSocket over HTTP/2 opens (RFC 8441)",
    only: "HAProxy",
    async run(scene) {
      await using proxy = await start(scene);
      const { path, certificate: { cert } } = scene;
      const { connect } = await import("node:http2");
      const authority = `127.0.0.1:${proxy.port}`;
      const session = connect(`https://${authority}`, { ca: cert });
      try {
        const settings = Promise.withResolvers<{ enableConnectProtocol?: boolean }>();
        session.on("error", settings.reject);
        session.on("remoteSettings", settings.resolve);
        const { enableConnectProtocol } = await within(settings.promise, "the settings");
        assert.equal(enableConnectProtocol, true);
        const stream = session.request({
          ":method": "CONNECT",
          ":protocol": "websocket",
          ":scheme": "https",
          ":authority": authority,
          ":path": path,
          "sec-websocket-version": "13",
        }, { endStream: false });
        const answer = Promise.withResolvers<number | undefined>();
        stream.on("error", answer.reject);
        stream.on("response", (headers) => answer.resolve(headers[":status"]));
        assert.equal(await within(answer.promise, "the response"), 200);
        const frame = Promise.withResolvers<Uint8Array>();
        stream.on("data", frame.resolve);
        const text = new TextDecoder().decode(await within(frame.promise, "a frame"));
        assert.ok(text.includes(`"url":"https://${authority}${path}"`), text);
      } finally {
        session.destroy();
      }
    },
  },
];
