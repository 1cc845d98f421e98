import type { DurableKv } from "../../adapters/cloudflare.ts";
import type { Hooks } from "../../mod.ts";
import { chatHooks, type Visitor } from "../chat/hooks.ts";
import { Live } from "../chat/live.ts";
import type { Line } from "../chat/protocol.ts";
import { Rooms } from "../chat/room.ts";

/**
 * The chat of `examples/chat` for one instance of a Durable Object. The library keeps the peers,
 * their namespaces and their contexts during hibernation. This module stores the lines.
 */
export function durableChat(
  kv: DurableKv,
  room: ConstructorParameters<typeof Live>[0],
): Partial<Hooks<Visitor>> {
  const rooms = new StoredRooms(kv);
  const live = new Live(room, true); // a running timer prevents hibernation
  const hooks = chatHooks(rooms, live);
  return {
    ...hooks,
    async message(peer, message) {
      live.start();
      await hooks.message?.(peer, message);
      rooms.store(peer.namespace);
    },
    close(peer, info) {
      live.start();
      return hooks.close?.(peer, info);
    },
  };
}

const KEY = "lines:";

/** Rooms that also store their lines in the object's storage. */
class StoredRooms extends Rooms {
  readonly #kv: DurableKv;
  /** The last stored line of each room. */
  readonly #stored = new Map<string, Line | undefined>();

  constructor(kv: DurableKv) {
    super();
    this.#kv = kv;
    for (const [key, lines] of kv.list({ prefix: KEY })) {
      const namespace = key.slice(KEY.length);
      const room = this.enter(namespace);
      for (const line of lines as Line[]) room.keep(line);
      room.emptySince = Date.now(); // counts as empty until a visitor writes
      this.#stored.set(namespace, room.lines.at(-1));
    }
  }

  /** Stores a room's lines if there is a new line since the last call. */
  store(namespace: string): void {
    const { lines } = this.enter(namespace);
    if (lines.at(-1) === this.#stored.get(namespace)) return;
    this.#stored.set(namespace, lines.at(-1));
    this.#kv.put(KEY + namespace, lines);
  }

  override vacate(namespace: string, now: number): void {
    super.vacate(namespace, now);
    for (const stored of this.#stored.keys()) {
      if (this.has(stored)) continue;
      this.#stored.delete(stored);
      this.#kv.delete(KEY + stored);
    }
  }
}
