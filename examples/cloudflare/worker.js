// npx wrangler dev
import { DurableObject } from "cloudflare:workers";
import adapter from "../../adapters/cloudflare.ts";
import { hooks } from "./chat.ts";

const ws = adapter({ hooks });

export const Room = ws.durable(DurableObject);

export default ws.worker({
  binding: "Room",
  instance: (request) => new URL(request.url).pathname, // an object for each room
  // POST /lobby: a Worker says something in a room, by RPC.
  async fetch(request, env) {
    if (request.method !== "POST") return new Response("This is a chat: connect by WebSocket\n");
    const { pathname } = new URL(request.url);
    const room = env.Room.get(env.Room.idFromName(pathname));
    const reached = await room.webSocketPublish("room", {
      type: "line",
      name: "Worker",
      text: await request.text(),
    });
    return Response.json({ reached });
  },
});
