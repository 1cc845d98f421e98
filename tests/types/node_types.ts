/** Node's own types fit the adapter for Node. `deno check` checks this file; no test runs it. */
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import adapter, { type NodeAdapter } from "../../adapters/node.ts";

const ws: NodeAdapter = adapter();

createServer().on("upgrade", ws.handleUpgrade);
createSecureServer({}).on("upgrade", ws.handleUpgrade);
createServer().on(
  "upgrade",
  (request, socket, head) => void ws.handleUpgrade(request, socket, head),
);

export function handleUpgrade(
  request: IncomingMessage,
  duplex: Duplex,
  plain: Socket,
  secure: TLSSocket,
  head: Uint8Array,
): Promise<void>[] {
  const framework = Object.assign(new Request("http://a.example"), { context: { user: "ada" } });
  return [
    ws.handleUpgrade(request, duplex, head),
    ws.handleUpgrade(request, plain, head),
    ws.handleUpgrade(request, secure, head, framework),
    ws.handleUpgrade(request, duplex, head, new Request("http://a.example")),
    ws.handleUpgrade(request, duplex, head, {}),
    // @ts-expect-error the bytes after the handshake are missing
    ws.handleUpgrade(request, duplex),
    // @ts-expect-error Node needs an IncomingMessage, not a web Request
    ws.handleUpgrade(framework, duplex, head),
  ];
}

adapter({ perMessageDeflate: { threshold: 1024 } });
// @ts-expect-error `ws` has no such option
adapter({ perMessageDeflate: { treshold: 1024 } });
