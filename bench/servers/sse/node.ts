import type { AddressInfo } from "node:net";
import { serve } from "srvx/node";
import { announce } from "../protocol.ts";
import { fetch } from "./handler.ts";

const server = serve({
  hostname: "127.0.0.1",
  port: 0,
  silent: true,
  gracefulShutdown: false,
  fetch: (request) => fetch(request),
});
await server.ready();
announce((server.node!.server!.address() as AddressInfo).port);
