/// <reference lib="deno.worker" />
import { serve } from "../../server/deno.ts";
import type { Server } from "../../server/serve.ts";
import { broadcastChannel } from "../../sync/broadcast_channel.ts";
import { openChat } from "./chat.ts";
import { syncOfEnvironment } from "./sync.ts";

let server: Server | undefined;

// The first message is the port, the second one asks to close.
self.onmessage = async ({ data }: MessageEvent<number | "close">) => {
  if (data === "close") {
    await server?.close({ code: 1012, reason: "restarting", timeout: 2000 });
    self.postMessage("closed");
    return;
  }
  const sync = await syncOfEnvironment() ?? broadcastChannel({ channel: "chat" });
  server = await openChat(serve, { port: data, sync });
  self.postMessage(server.url);
};
