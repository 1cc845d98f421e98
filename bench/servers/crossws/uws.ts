// @ts-ignore: a package of bench/packages.ts, installed on demand
import adapter from "crossws/adapters/uws";
import { announce, collectGarbage, isCompressed } from "../protocol.ts";
import { listen, uws } from "../uws.ts";
import { hooks } from "./hooks.ts";

const ws = adapter({ hooks, uws: { compression: isCompressed ? uws.SHARED_COMPRESSOR : 0 } });
const app = uws.App();
app.get("/collect", (res) => void res.end(collectGarbage()));
app.ws("/*", ws.websocket);
listen(app, announce);
