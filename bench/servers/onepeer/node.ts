import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import adapter from "../../../adapters/node.ts";
import { announce, collectGarbage, isCompressed } from "../protocol.ts";
import { options } from "./options.ts";

const ws = adapter({ ...options, perMessageDeflate: isCompressed });
const server = createServer((_request, response) => void response.end(collectGarbage()));
server.on("upgrade", ws.handleUpgrade);
server.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
