/** Node's own types fit the adapter for Node. Checked by `deno check`, never run. */
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

export function byHand(
  request: IncomingMessage,
  line: Duplex,
  plain: Socket,
  secure: TLSSocket,
  head: Uint8Array,
): Promise<void>[] {
  const framework = Object.assign(new Request("http://a.example"), { context: { user: "ada" } });
  return [
    ws.handleUpgrade(request, line, head),
    ws.handleUpgrade(request, plain, head),
    ws.handleUpgrade(request, secure, head, framework),
    ws.handleUpgrade(request, line, head, new Request("http://a.example")),
    ws.handleUpgrade(request, line, head, {}),
    // @ts-expect-error the bytes after the handshake are missing
    ws.handleUpgrade(request, line),
    // @ts-expect-error a web request alone is no upgrade on Node
    ws.handleUpgrade(framework, line, head),
  ];
}

adapter({ perMessageDeflate: { threshold: 1024 } });
// @ts-expect-error no such option of `ws`
adapter({ perMessageDeflate: { treshold: 1024 } });
