// @ts-ignore: a package of bench/packages.ts, installed on demand
import adapter from "crossws/adapters/deno";
import { announce, collectGarbage } from "../protocol.ts";
import { hooks } from "./hooks.ts";

const ws = adapter({ hooks });
const listen = { hostname: "127.0.0.1", port: 0, onListen() {} };
const server = Deno.serve(
  listen,
  (request, info) =>
    request.headers.get("upgrade") === "websocket"
      ? ws.handleUpgrade(request, info)
      : new Response(collectGarbage()),
);
announce(server.addr.port);
