// @ts-ignore: a package of bench/packages.ts, installed on demand
import adapter from "crossws/adapters/bun";
import { serve, type Server } from "../bun.ts";
import { announce, collectGarbage, isCompressed } from "../protocol.ts";
import { hooks } from "./hooks.ts";

const ws = adapter({ hooks });
const server = serve<Server>({
  websocket: { ...ws.websocket, perMessageDeflate: isCompressed },
  fetch: (request, server) =>
    request.headers.get("upgrade") === "websocket"
      ? ws.handleUpgrade(request, server)
      : new Response(collectGarbage()),
});
announce(server.port);
