import assert from "node:assert/strict";
import http from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import type { Buffer } from "node:buffer";
import { checkHttp2 } from "./cases/sse_http2.ts";
import { certificate, hasOpenssl } from "./harness/processes/certificate.ts";
import {
  lastingClients,
  lastingHttp2Clients,
  lastingTlsClients,
} from "./harness/clients/lasting_clients.ts";
import { handshakeText, RawClient } from "./harness/clients/raw_client.ts";
import { sleep } from "./harness/clients/case_client.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";
import { stopwatch, TimeLimit } from "./harness/time_limit.ts";
import { fixture, runtimes } from "./runtimes/native.ts";

/** A3: `serve()` with clients and options as they occur in practice, on every runtime. */
const tls = hasOpenssl ? await certificate() : undefined;
if (!tls) console.error("NOT RUN: needs openssl: serve().close() with TLS clients");

/** Runtimes with a `serve`. The two others here are Node again. */
const served = runtimes.filter(({ name }) => !["ws", "uws", "uws24"].includes(name));

for (const runtime of served) {
  const command = await runtime.command(fixture("serve_hostile"));
  const ignore = "missing" in command;
  const test = (fact: string, fn: (server: ServerProcess) => Promise<void>) =>
    Deno.test({
      name: `${runtime.title} A3: ${fact}`,
      ignore,
      async fn() {
        const words = tls ? ["env", `CERT=${tls.cert}`, `KEY=${tls.key}`] : [];
        await using server = await ServerProcess.start([...words, ...command as string[]]);
        await fn(server);
      },
    });

  test("the process ends within `timeout` + 1 s of SIGTERM, whatever clients do", (server) =>
    ends(server, runtime.name !== "bun")); // Bun 1.4 has no HTTP/2 server by `Bun.serve`

  const own = await runtime.command(fixture("own_hostile"));
  Deno.test({
    name: `${runtime.title} X7: with the runtime's own server, the process ends like that too`,
    ignore,
    async fn() {
      await using server = await ServerProcess.start(own as string[]);
      await ends(server);
    },
  });

  if (tls && runtime.name !== "bun") {
    test("serve({ tls }) serves event streams over HTTP/2, whose host is :authority", async (server) => {
      const port = /SECURE (\d+)/.exec(server.output)![1];
      await checkHttp2(new URL(`https://127.0.0.1:${port}/stream`), {
        ca: tls.cert,
        opened: () => printed(server, new RegExp(`OPEN https://127.0.0.1:${port}/stream\n`)),
      });
    });
  }

  test("a request that asks for another protocol is served", async (server) => {
    const headers = "Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n";
    const body = "hello ".repeat(20_000);
    const raw = await rawTo(server.port);
    raw.write(`GET /a HTTP/1.1\r\n${headers}\r\n`);
    assert.equal((await raw.head()).status, 200);
    raw.destroy();
    for (const length of [5, body.length]) {
      const raw = await rawTo(server.port);
      const rest = `Content-Length: ${length}\r\nConnection: close\r\n`;
      raw.write(`POST /b HTTP/1.1\r\n${headers}${rest}\r\n${body.slice(0, length)}`);
      const { status } = await raw.head();
      if (runtime.name === "deno") {
        assert.equal(status, 400, "Deno 2.9 itself refuses `Upgrade` together with a body");
        raw.destroy();
        continue;
      }
      assert.equal(status, 200);
      assert.ok((await raw.body()).includes(`POST /b ${body.slice(0, length)}`));
    }
    if (tls) await overTls(server, headers, tls.cert);
  });

  test("`Upgrade: websocket, h2c` opens a WebSocket", async (server) => {
    const raw = await rawTo(server.port);
    raw.write(handshakeText(server.port, { headers: { Upgrade: "websocket, h2c" } }));
    assert.equal((await raw.head()).status, 101);
    raw.destroy();
  });

  test("a WebSocket handshake from which a proxy has removed headers is refused with the reason", async (server) => {
    const key = { "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };
    for (const headers of [key, { ...key, Upgrade: "websocket" }]) {
      const request = http.get(server.address, { headers, agent: false });
      const [response] = await once(request, "response") as [http.IncomingMessage];
      assert.ok(response.statusCode === 426 || response.statusCode === 400);
      assert.match(await text(response), /`Connection: Upgrade`/);
    }
  });

  test("fetch that throws is a 500 that exposes no details", async (server) => {
    const response = await fetch(`${server.address}throw`);
    assert.equal(response.status, 500);
    assert.equal(await response.text(), "Internal Server Error\n");
  });

  test("sse.fetch(request) in fetch gets the address of the client", async (server) => {
    const headers = { accept: "text/event-stream" };
    const first = await fetch(`${server.address}sse`, { headers });
    const second = await fetch(`${server.address}sse`, { headers });
    assert.deepEqual([first.status, second.status], [200, 429]);
    await printed(server, /ADDRESS 127\.0\.0\.1\n/);
    for (const { body } of [first, second]) await body?.cancel();
  });
}

for (const runtime of runtimes.filter(({ name }) => name.startsWith("uws"))) {
  const command = await runtime.command(fixture("own_hostile"));
  Deno.test({
    name:
      `${runtime.title} X7: the process ends within \`timeout\` + 1 s of SIGTERM, whatever clients do`,
    ignore: "missing" in command,
    async fn() {
      await using server = await ServerProcess.start(command as string[]);
      const kinds = Object.entries(lastingClients).filter(([kind]) => !kind.includes("stream"));
      await ends(server, false, Object.fromEntries(kinds), 2);
    },
  });
}

/**
 * Checks that a process with clients of every kind ends in time.
 *
 * @param opens number of clients that become peers.
 */
async function ends(
  server: ServerProcess,
  isHttp2 = false,
  plain = lastingClients,
  opens = 4,
): Promise<void> {
  const securePort = Number(/SECURE (\d+)/.exec(server.output)?.[1]);
  const secure = tls && securePort ? { port: securePort, ca: tls.cert } : undefined;
  const kinds = {
    ...plain,
    ...secure ? lastingTlsClients : {},
    ...secure && isHttp2 ? lastingHttp2Clients : {},
  };
  const clients = [];
  for (const start of Object.values(kinds)) {
    clients.push(await start({ port: server.port, ...secure ? { tls: secure } : {} }));
  }
  await printed(server, new RegExp(`(OPEN [^]*){${opens}}`));
  await printed(server, /PENDING\n/);
  const elapsed = stopwatch();
  Deno.kill(server.pid, "SIGTERM");
  const code = await new TimeLimit(5000).race(server.exitCode, "the process lives on");
  assert.ok(elapsed() < 1500);
  assert.equal(code, 0);
  assert.match(server.output, /STOPPED\n/);
  for (const end of clients) end();
}

// If Deno passes this test no more, its programs need no `Deno.exit()` after `close()`.
for (const [what, target] of [["vanishes", "/"], ["never reads", "/?flood"]] as const) {
  Deno.test(`a bare process of Deno outlives its server if a client ${what}`, async () => {
    const program = fixture("bare_deno").pathname;
    await using server = await ServerProcess.start([
      Deno.execPath(),
      "run",
      "-A",
      "--no-check",
      program,
    ]);
    const client = await rawTo(server.port);
    client.pause();
    client.handshake({ target });
    if (target === "/") {
      client.resume();
      await client.head();
      client.rst();
    }
    await printed(server, /STOPPED\n/);
    const isAlive = sleep(1000).then(() => "alive");
    assert.equal(await Promise.race([server.exitCode, isAlive]), "alive");
    client.destroy();
    Deno.kill(server.pid, "SIGKILL");
  });
}

// If Deno passes this test no more, remove the gap `slow.refused`, and read SECURITY.md again.
Deno.test("shutdown() of a bare server of Deno waits for a client that does not read a response", async () => {
  const program = fixture("bare_deno").pathname;
  await using server = await ServerProcess.start([
    Deno.execPath(),
    "run",
    "-A",
    "--no-check",
    program,
  ]);
  const client = await rawTo(server.port);
  client.pause();
  client.write("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  await printed(server, /STOPPING\n/);
  await sleep(1000);
  assert.doesNotMatch(server.output, /STOPPED/);
  client.destroy();
  await printed(server, /STOPPED\n/);
});

function rawTo(port: number): Promise<RawClient> {
  return RawClient.connect({ port, host: "127.0.0.1" });
}

/** Waits until a server has printed a text. */
async function printed(server: ServerProcess, text: RegExp): Promise<void> {
  const limit = new TimeLimit(3000);
  while (!text.test(server.output)) {
    if (limit.isOver) throw new Error(`expected ${text}, got ${server.output}`);
    await limit.pause();
  }
}

/** Checks that a request with these headers is served over TLS. */
async function overTls({ output }: ServerProcess, headers: string, ca: string): Promise<void> {
  const port = Number(/SECURE (\d+)/.exec(output)![1]);
  const socket = connectTls({ port, host: "127.0.0.1", ca, ALPNProtocols: ["http/1.1"] });
  await once(socket, "secureConnect");
  socket.write(`GET /c HTTP/1.1\r\n${headers}\r\n`);
  const [data] = await once(socket, "data") as [Buffer];
  assert.match(data.toString(), /^HTTP\/1\.1 200 /);
  socket.destroy();
}
