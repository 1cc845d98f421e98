import adapter from "../../../adapters/deno.ts";
import { announce, collectGarbage } from "../protocol.ts";
import { options } from "./options.ts";

const ws = adapter(options);
const listen = { hostname: "127.0.0.1", port: 0, onListen() {} };
const server = Deno.serve(
  listen,
  (request, info) =>
    request.headers.get("upgrade") === "websocket"
      ? ws.handleUpgrade(request, info)
      : new Response(collectGarbage()),
);
announce(server.addr.port);
