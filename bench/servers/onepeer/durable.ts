import adapter from "../../../adapters/cloudflare.ts";
import { readCommand } from "../commands.ts";
import { contextOf, look, type MemberContext, type RoomOf, topicsOf } from "../durable.ts";

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
      if (text !== "look" && context.count !== undefined) context.count++;
      if (text !== "count") peer.send(look(context));
    },
  },
});

export const roomOf: RoomOf = (base) => ws.durable(base);

export { benchRoom, benchWorker } from "../durable.ts";
