import { announce } from "../protocol.ts";
import { fetch } from "./handler.ts";

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, fetch);
announce(server.addr.port);
