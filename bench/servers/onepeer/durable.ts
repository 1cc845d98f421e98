import adapter from "../../../adapters/cloudflare.ts";
import { readCommand } from "../commands.ts";
import { type ClassOf, contextOf, type MemberContext, stateText, topicsOf } from "../durable.ts";

const ws = adapter({
  limits: { maxTopicsPerPeer: 2000 },
  hooks: {
    upgrade: ({ url }) => ({ context: contextOf(url) ?? {} }),
    open(peer) {
      for (const topic of topicsOf(peer.websocket.url)) peer.subscribe(topic);
    },
    message(peer, message) {
      const text = message.text();
      if (text[0] === "p") {
        const { topic, times } = readCommand(text);
        for (let i = 0; i < times; i++) peer.publish(topic, text);
        return;
      }
      const context = peer.context as Partial<MemberContext>;
      if (text !== "read" && context.count !== undefined) context.count++;
      if (text !== "count") peer.send(stateText(context));
    },
  },
});

export const classOf: ClassOf = (base) => ws.durable(base);

export { benchObject, benchWorker } from "../durable.ts";
