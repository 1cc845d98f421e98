import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import http from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import { fixture, runtimes } from "./runtimes/native.ts";
import { certificate, hasOpenssl } from "./harness/processes/certificate.ts";
import { ServerProcess } from "./harness/processes/server_process.ts";

/** The adapter for Node shares a port with a framework that answers HTTP. */
const frameworks: Record<string, string> = {
  express: "Express 5",
  fastify: "Fastify 5",
  koa: "Koa 3",
  https: "a node:https server",
};

const node = await runtimes.find(({ name }) => name === "node22")!.command(fixture("frameworks"));

for (const [name, title] of Object.entries(frameworks)) {
  const missing = "missing" in node
    ? node.missing
    : name === "https" && !hasOpenssl
    ? "openssl"
    : undefined;
  const fact = `behind ${title} HTTP answers and a WebSocket echoes on one port`;
  if (missing) console.error(`NOT RUN: needs ${missing}: ${fact}`);
  Deno.test({
    name: fact,
    ignore: missing !== undefined,
    async fn() {
      const secure = name === "https" ? await certificate() : undefined;
      const words = secure ? ["env", `CERT=${secure.cert}`, `KEY=${secure.key}`] : [];
      await using server = await ServerProcess.start([...words, ...node as string[], name]);
      const address = `${secure ? "s" : ""}://127.0.0.1:${server.port}/hello`;

      assert.equal(await get(`http${address}`, secure?.cert), "over HTTP");

      const socket = new WebSocket(`ws${address}`, secure ? { ca: secure.cert } : {});
      const heard: string[] = [];
      await new Promise<void>((done, fail) => {
        socket.on("error", fail);
        socket.on("message", (data: Buffer) => {
          heard.push(data.toString());
          if (heard.length === 1) socket.send("hi");
          else socket.close();
        });
        socket.on("close", () => done());
      });
      assert.deepEqual(heard, [`ws${address}`, "hi"]);

      assert.equal(
        await get(`http${address}`, secure?.cert),
        "over HTTP",
        "HTTP after the WebSocket",
      );
    },
  });
}

/** Fetches the body at a URL, and trusts the certificate. */
function get(url: string, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const module = url.startsWith("https:") ? https : http;
    const options = { agent: false, ...(ca ? { ca } : {}) } as const;
    module.get(url, options, (response) => text(response).then(resolve, reject)).on(
      "error",
      reject,
    );
  });
}
