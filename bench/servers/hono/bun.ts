// @ts-ignore: a package of bench/packages.ts, installed on demand
import { Hono } from "hono";
// @ts-ignore: the same
import { upgradeWebSocket, websocket } from "hono/bun";
import { serve } from "../bun.ts";
import { announce, collectGarbage } from "../protocol.ts";
import { echo, type HttpContext } from "./echo.ts";

const app = new Hono();
app.get("/echo", upgradeWebSocket(() => echo));
app.get("/collect", (context: HttpContext) => context.text(collectGarbage()));
const server = serve({ fetch: app.fetch, websocket });
announce(server.port);
