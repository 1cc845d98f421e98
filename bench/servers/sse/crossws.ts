// @ts-ignore: a package of bench/packages.ts, installed on demand
import adapter from "crossws/adapters/sse";
import { topicOf } from "../commands.ts";
import { countMessage } from "./received.ts";

interface Peer {
  readonly request: { readonly url: string };
  subscribe(topic: string): void;
}

const sse = adapter({
  bidir: true,
  hooks: {
    open: (peer: Peer) => peer.subscribe(topicOf(peer.request.url)!),
    message: (_peer: Peer, message: { text(): string }) => countMessage(message.text()),
  },
});

export function handle(request: Request): Promise<Response> {
  return sse.fetch(request);
}

export function publish(topic: string, text: string): void {
  sse.publish(topic, text);
}
