import type { Hooks } from "../../mod.ts";
import { chatHooks, type Visitor } from "../chat/hooks.ts";
import { type Chat, Live } from "../chat/live.ts";

/**
 * The chat of `examples/chat` for one instance of a Durable Object. The library keeps the peers, the
 * people and the lines during hibernation.
 */
export function durableChat(room: () => Chat): Partial<Hooks<Visitor>> {
  const live = new Live(room, true); // a running timer prevents hibernation
  const hooks = chatHooks(room, live);
  return {
    ...hooks,
    message(peer, message) {
      live.start();
      return hooks.message?.(peer, message);
    },
    close(peer, info) {
      live.start();
      return hooks.close?.(peer, info);
    },
  };
}
