// node examples/chat/server.node.ts
import { serve } from "../../server/node.ts";
import { startChat } from "./chat.ts";

await startChat(serve);
