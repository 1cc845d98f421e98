/** `ws`, used as in its documentation: sockets in a map of sets. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
// @ts-types="@types/ws"
import { type RawData, WebSocket, WebSocketServer } from "ws";
import {
  announce,
  collectGarbage,
  isCompressed,
  isEcho,
  readCommand,
  topicOf,
} from "../protocol.ts";

const topics = new Map<string, Set<WebSocket>>();

const server = createServer((_request, response) => void response.end(collectGarbage()));
const perMessageDeflate = isCompressed && { serverNoContextTakeover: true };
const wss = new WebSocketServer({ server, perMessageDeflate });
wss.on("connection", (socket, { url = "" }) => {
  socket.on("error", console.error);
  if (isEcho) socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  else {
    const topic = topicOf(url);
    if (topic) subscribe(socket, topic);
    socket.on("message", publish);
  }
});
server.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));

function subscribe(socket: WebSocket, topic: string): void {
  const sockets = topics.get(topic) ?? new Set();
  topics.set(topic, sockets.add(socket));
  socket.on("close", () => sockets.delete(socket));
}

function publish(data: RawData, isBinary: boolean): void {
  const { topic, times } = readCommand(data.toString());
  for (let i = 0; i < times; i++) {
    for (const socket of topics.get(topic) ?? []) {
      if (socket.readyState === WebSocket.OPEN) socket.send(data, { binary: isBinary });
    }
  }
}
