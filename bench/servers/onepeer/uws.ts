import adapter from "../../../adapters/uws.ts";
import { announce, collectGarbage, isCompressed } from "../protocol.ts";
import { listen, uws } from "../uws.ts";
import { options } from "./options.ts";

const ws = adapter({ ...options, perMessageDeflate: isCompressed });
const app = uws.App();
app.get("/collect", (res) => void res.end(collectGarbage()));
ws.attach(app, "/*");
listen(app, announce);
