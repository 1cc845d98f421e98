import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
// @ts-ignore: a package of bench/packages.ts, installed on demand
import adapter from "crossws/adapters/node";
import { announce, collectGarbage, isCompressed } from "../protocol.ts";
import { hooks } from "./hooks.ts";

const perMessageDeflate = isCompressed && { serverNoContextTakeover: true };
const ws = adapter({ hooks, serverOptions: { perMessageDeflate } });
const server = createServer((_request, response) => void response.end(collectGarbage()));
server.on("upgrade", ws.handleUpgrade);
server.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
