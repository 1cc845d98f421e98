/** `Bun.serve` with its native topics. */
import { serve, type Server, type Socket } from "../bun.ts";
import {
  announce,
  collectGarbage,
  isCompressed,
  isEcho,
  readCommand,
  topicOf,
} from "../protocol.ts";

const server = serve<Server>({
  fetch(request, server) {
    if (server.upgrade(request, { data: { topic: topicOf(request.url) } })) return undefined;
    return new Response(collectGarbage());
  },
  websocket: {
    perMessageDeflate: isCompressed,
    open: (socket: Socket) => void (socket.data.topic && socket.subscribe(socket.data.topic)),
    message: isEcho
      ? (socket: Socket, message: string | Uint8Array) => void socket.send(message)
      : (socket: Socket, message: string) => {
        const { topic, times } = readCommand(message);
        for (let i = 0; i < times; i++) socket.publish(topic, message, isCompressed);
      },
  },
});
announce(server.port);
