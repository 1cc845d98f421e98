// @ts-ignore: a package of bench/packages.ts, installed on demand
import { serve, upgradeWebSocket } from "@hono/node-server";
// @ts-ignore: the same
import { Hono } from "hono";
// @ts-types="@types/ws"
import { WebSocketServer } from "ws";
import { announce, collectGarbage } from "../protocol.ts";
import { echo, type HttpContext } from "./echo.ts";

const app = new Hono();
app.get("/echo", upgradeWebSocket(() => echo));
app.get("/collect", (context: HttpContext) => context.text(collectGarbage()));
serve({
  fetch: app.fetch,
  hostname: "127.0.0.1",
  port: 0,
  websocket: { server: new WebSocketServer({ noServer: true }) },
}, ({ port }: { readonly port: number }) => announce(port));
