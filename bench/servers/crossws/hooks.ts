/** Hooks of all four programs for crossws. Types are local, as type checks run without crossws. */
import { isCompressed, readCommand, topicOf, workload } from "../protocol.ts";

interface Peer {
  readonly request: { readonly url: string };
  send(data: unknown): unknown;
  subscribe(topic: string): void;
  publish(topic: string, data: unknown, options: { readonly compress: boolean }): void;
}

interface Message {
  readonly rawData: unknown;
  text(): string;
}

interface Hooks {
  open?(peer: Peer): void;
  message(peer: Peer, message: Message): void;
}

const publish: Hooks = {
  open(peer) {
    const topic = topicOf(peer.request.url);
    if (topic) peer.subscribe(topic);
  },
  message(peer, message) {
    const text = message.text();
    const { topic, times } = readCommand(text);
    for (let i = 0; i < times; i++) peer.publish(topic, text, { compress: isCompressed });
  },
};

// On some runtimes, crossws 0.4 does not report whether a message was text.
const echoes: Readonly<Record<string, Hooks>> = {
  "echo": { message: (peer, message) => void peer.send(message.text()) },
  "echo-binary": { message: (peer, message) => void peer.send(message.rawData) },
};

export const hooks: Hooks = echoes[workload] ?? publish;
