import adapter, { type BunServer } from "../../../adapters/bun.ts";
import { serve } from "../bun.ts";
import { announce, collectGarbage, isCompressed } from "../protocol.ts";
import { options } from "./options.ts";

const ws = adapter({ ...options, perMessageDeflate: isCompressed });
const server = serve<BunServer>({
  websocket: ws.websocket,
  fetch: (request, server) =>
    request.headers.get("upgrade") === "websocket"
      ? ws.handleUpgrade(request, server)
      : new Response(collectGarbage()),
});
announce(server.port);
