// deno run -A examples/chat/server.ts
import { serve } from "../../server/deno.ts";
import { startChat } from "./chat.ts";

await startChat(serve);
