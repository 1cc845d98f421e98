import adapter, { type ServerInfo } from "../../../adapters/sse.ts";
import { topicOf } from "../commands.ts";
import { countMessage } from "./received.ts";

const sse = adapter({
  hooks: {
    open: (peer) => peer.subscribe(topicOf(peer.websocket.url)!),
    message: (_peer, message) => countMessage(message.text()),
  },
});

export function handle(request: Request, info?: object): Promise<Response> {
  return sse.fetch(request, info as ServerInfo);
}

export function publish(topic: string, text: string): void {
  sse.publish(topic, text);
}
