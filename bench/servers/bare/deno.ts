/** Deno's own API: sockets in a map of sets. */
import { announce, collectGarbage, isEcho, readCommand, topicOf } from "../protocol.ts";

const topics = new Map<string, Set<WebSocket>>();

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
  if (request.headers.get("upgrade") !== "websocket") return new Response(collectGarbage());
  const topic = topicOf(request.url);
  const { socket, response } = Deno.upgradeWebSocket(request);
  if (isEcho) socket.onmessage = ({ data }) => socket.send(data);
  else {
    if (topic) subscribe(socket, topic);
    socket.onmessage = ({ data }) => publish(data);
  }
  return response;
});
announce(server.addr.port);

function subscribe(socket: WebSocket, topic: string): void {
  const sockets = topics.get(topic) ?? new Set();
  topics.set(topic, sockets.add(socket));
  socket.onclose = () => sockets.delete(socket);
}

function publish(text: string): void {
  const { topic, times } = readCommand(text);
  for (let i = 0; i < times; i++) {
    for (const socket of topics.get(topic) ?? []) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    }
  }
}
