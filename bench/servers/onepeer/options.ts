/** Options of all four programs for onepeer. The programs themselves only listen. */
import type { EndpointOptions, Hooks } from "../../../mod.ts";
import { isEcho, MAX_BUFFERED, readCommand, topicOf, workload } from "../protocol.ts";

const echo: Partial<Hooks> = {
  message: (peer, message) => void peer.send(message),
};

const publish: Partial<Hooks> = {
  open(peer) {
    const topic = topicOf(peer.websocket.url);
    if (topic) peer.subscribe(topic);
  },
  message(peer, message) {
    const text = message.text();
    const { topic, times } = readCommand(text);
    for (let i = 0; i < times; i++) peer.publish(topic, text);
  },
};

export const options: EndpointOptions = {
  hooks: isEcho ? echo : publish,
  ...(workload === "echo-lean" ? { retainHeaders: [] } : {}),
  limits: workload === "publish-bounded" ? { maxBuffered: MAX_BUFFERED } : {},
};
