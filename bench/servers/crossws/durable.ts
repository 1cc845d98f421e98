// @ts-ignore: a package of bench/packages.ts, installed on demand
import adapter from "crossws/adapters/cloudflare";
import { readCommand } from "../commands.ts";
import { type ClassOf, stateText, topicsOf } from "../durable.ts";

interface Peer {
  readonly request: { readonly url: string };
  send(data: unknown): unknown;
  subscribe(topic: string): void;
  publish(topic: string, data: unknown): void;
}

// Without a context, as crossws loses it when the object is evicted.
const ws = adapter({
  hooks: {
    open(peer: Peer) {
      for (const topic of topicsOf(peer.request.url)) peer.subscribe(topic);
    },
    message(peer: Peer, message: { text(): string }) {
      const text = message.text();
      if (text === "read") return void peer.send(stateText(undefined));
      const { topic, times } = readCommand(text);
      for (let i = 0; i < times; i++) peer.publish(topic, text);
    },
  },
});

export const classOf: ClassOf = (base) =>
  class extends base {
    // deno-lint-ignore no-explicit-any -- as in DurableClass
    constructor(...args: any[]) {
      super(...args);
      ws.handleDurableInit(this, args[0], args[1]);
    }

    fetch(request: Request): Promise<Response> {
      return ws.handleDurableUpgrade(this, request);
    }

    webSocketMessage(socket: object, message: string): Promise<void> {
      return ws.handleDurableMessage(this, socket, message);
    }

    webSocketClose(
      socket: object,
      code: number,
      reason: string,
      wasClean: boolean,
    ): Promise<void> {
      return ws.handleDurableClose(this, socket, code, reason, wasClean);
    }
  };

export { benchObject, benchWorker } from "../durable.ts";
