import assert from "node:assert/strict";
import { WebSocketSSE } from "../../websocket/sse.ts";
import { RawClient } from "../harness/clients/raw_client.ts";
import { handshakeText } from "../harness/clients/raw_client.ts";
import { Middlebox } from "../harness/processes/middlebox.ts";
import { NGINX_UPGRADES, plain } from "./configurations.ts";
import {
  assertEchoes,
  assertStreams,
  type Fact,
  greeting,
  HEARTBEAT_MS,
  opened,
  portOf,
  refused,
  requests,
  TRANSPORTS,
  within,
} from "./scene.ts";

/** Facts about proxies with few settings of their own, and about settings that harm. */
export const defaultFacts: readonly Fact[] = [
  {
    fact: "by default no WebSocket opens, and the client gets the reason",
    only: "nginx",
    async run({ name, server, path }) {
      const one = ["proxy_http_version 1.1;"];
      for (const back of [[], one, [...one, "proxy_set_header Upgrade $http_upgrade;"]]) {
        await using proxy = await Middlebox.start(name, plain(name, server.port, { back }));
        const { status, body } = await refused(proxy, path);
        assert.ok(status === 426 || status === 400, `${status}`);
        assert.match(body, /`Connection: Upgrade`/);
      }
    },
  },
  {
    fact: "by default a WebSocket opens",
    only: "HAProxy",
    async run({ name, server, path }) {
      await using proxy = await Middlebox.start(name, plain(name, server.port));
      const socket = await opened(proxy, path);
      assert.equal((await greeting(socket)).namespace, path);
      await assertEchoes(socket);
    },
  },
  {
    fact: "by default the events of a stream arrive at once",
    async run({ name, server, path }) {
      await using proxy = await Middlebox.start(name, plain(name, server.port));
      await assertStreams(server, proxy, path);
    },
  },
  {
    fact: "if the proxy compresses event streams, the events arrive at once",
    async run({ name, server, path }) {
      const back = {
        nginx: ["gzip_types text/event-stream;", "gzip_proxied any;", "gzip_min_length 0;"],
        HAProxy: ["compression algo gzip", "compression type text/event-stream"],
      }[name];
      await using proxy = await Middlebox.start(name, plain(name, server.port, { back }));
      const raw = await RawClient.connect({ port: proxy.port, host: "127.0.0.1" });
      const asked = ["Host: x", "Accept: text/event-stream", "Accept-Encoding: gzip"];
      raw.write([`GET ${path}/raw HTTP/1.1`, ...asked, "", ""].join("\r\n"));
      const { status, headers } = await raw.head();
      raw.destroy();
      // HAProxy heeds our `Cache-Control: no-transform`.
      const encoding = { nginx: "gzip", HAProxy: undefined }[name];
      assert.deepEqual([status, new Map(headers).get("content-encoding")], [200, encoding]);
      await assertStreams(server, proxy, path);
    },
  },
  {
    fact: "with `proxy_ignore_headers X-Accel-Buffering` the client detects buffering, and polls",
    only: "nginx",
    async run({ name, server, path }) {
      const back = ["proxy_ignore_headers X-Accel-Buffering;"];
      await using proxy = await Middlebox.start(name, plain(name, server.port, { back }));
      const events: string[] = [];
      const { warn } = console;
      console.warn = (text: string) => void events.push(text);
      try {
        const socket = new WebSocketSSE(`ws://127.0.0.1:${proxy.port}${path}`, [], {
          heartbeat: HEARTBEAT_MS,
          onBuffering: () => events.push("buffering"),
        });
        const heard = Promise.withResolvers<void>(), closed = Promise.withResolvers<void>();
        socket.onopen = () => socket.send("hello");
        socket.onmessage = ({ data }) => {
          if (data === "hello") heard.resolve();
        };
        socket.onclose = () => closed.resolve();
        await within(heard.promise, "the answer");
        socket.close();
        await within(closed.promise, "the close");
      } finally {
        console.warn = warn;
      }
      assert.equal(events.length, 2, `${events}`);
      assert.ok(events.includes("buffering"));
      assert.ok(events.some((event) => /a proxy before .* buffers/.test(event)));
    },
  },
  {
    fact: "with `proxy_buffering off` the events of a stream arrive at once",
    only: "nginx",
    async run({ name, server, path }) {
      const back = ["proxy_ignore_headers X-Accel-Buffering;", "proxy_buffering off;"];
      await using proxy = await Middlebox.start(name, plain(name, server.port, { back }));
      await assertStreams(server, proxy, path);
    },
  },
  {
    fact: "if the proxy replaces Host, allowedOrigins admits the public origin",
    async run({ name, server, path }) {
      const back = { nginx: NGINX_UPGRADES, HAProxy: ["http-request set-header Host app"] }[name];
      const options = { origin: "https://app.example", headers: { Cookie: "a=1" } };
      const before = (port: number) => Middlebox.start(name, plain(name, port, { back }));
      await using without = await before(portOf(server, "SILENT"));
      const { status, body } = await refused(without, path, options);
      assert.equal(status, 403);
      assert.match(body, /allowedOrigins/);
      await using proxy = await before(portOf(server, "ADMITTING"));
      for (const transport of TRANSPORTS) {
        const socket = await opened(proxy, path, options, transport);
        assert.equal((await greeting(socket)).namespace, path);
        await assertEchoes(socket);
      }
    },
  },
  {
    fact: "requests behind a refused handshake do not pass the proxy unseen",
    async run({ name, server, path }) {
      const options = {
        nginx: {
          front: [`location ${path}/internal { return 418; }`],
          back: NGINX_UPGRADES,
        },
        HAProxy: { front: [`http-request return status 418 if { path ${path}/internal }`] },
      }[name];
      await using proxy = await Middlebox.start(name, plain(name, server.port, options));
      const raw = await RawClient.connect({ port: proxy.port, host: "127.0.0.1" });
      const request = `GET ${path}/internal HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      raw.write(handshakeText(proxy.port, { target: "/refused" }) + request);
      assert.equal((await raw.head()).status, 403);
      await raw.ended(20_000);
      raw.destroy();
      assert.equal(requests(server, `${path}/internal`), 0, "requests that the proxy forbids");
    },
  },
];
