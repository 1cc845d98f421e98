// @ts-ignore: a package of bench/packages.ts, installed on demand
import { Hono } from "hono";
// @ts-ignore: the same
import { upgradeWebSocket } from "hono/deno";
import { announce, collectGarbage } from "../protocol.ts";
import { echo, type HttpContext } from "./echo.ts";

const app = new Hono();
app.get("/echo", upgradeWebSocket(() => echo));
app.get("/collect", (context: HttpContext) => context.text(collectGarbage()));
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.fetch);
announce(server.addr.port);
