/** Socket.IO, whose packets for rooms, events and acknowledgements cost extra CPU time. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
// @ts-ignore: a package of bench/packages.ts, installed on demand
import { Server } from "socket.io";
import { announce, collectGarbage, isEcho, readCommand } from "../protocol.ts";

interface Socket {
  readonly handshake: { readonly query: { readonly topic?: string } };
  on(event: string, listener: (text: string) => void): void;
  emit(event: string, text: string): void;
  join(room: string): void;
}

const server = createServer((_request, response) => void response.end(collectGarbage()));
// The load generator answers pings of WebSocket, but not those of Engine.IO.
const io = new Server(server, { transports: ["websocket"], pingInterval: 600_000 });
io.on("connection", (socket: Socket) => {
  if (isEcho) return socket.on("m", (text) => socket.emit("m", text));
  const { topic } = socket.handshake.query;
  if (topic) socket.join(topic);
  socket.on("m", (text) => {
    const { topic, times } = readCommand(text);
    for (let i = 0; i < times; i++) io.to(topic).emit("m", text);
  });
});
server.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
