import { defineHooks, type Hooks, type Peer } from "../../mod.ts";

/** What `upgrade` learns of a visitor; it is still there when the object comes back to memory. */
export interface Visitor {
  name: string;
}

const ROOM = "room";
const NAME = /^[\p{L}\p{N} ]{1,30}$/u;

/** A chat of rooms, in JSON: nothing in here knows that it may hibernate between two lines. */
export const hooks: Partial<Hooks<Visitor>> = defineHooks<Visitor>({
  upgrade(request) {
    const name = new URL(request.url).searchParams.get("name") ?? "Guest";
    if (!NAME.test(name)) return new Response("what a name\n", { status: 400 });
    return { context: { name } };
  },
  open(peer) {
    peer.subscribe(ROOM);
    peer.send({ type: "welcome", people: [...peer.peers].map(nameOf).sort() });
    peer.publish(ROOM, { type: "joined", name: peer.context.name });
  },
  message(peer, message) {
    const text = message.text();
    const [, name] = /^\/name (.*)$/.exec(text) ?? [];
    if (name && NAME.test(name)) peer.context.name = name;
    peer.publish(ROOM, { type: "line", name: peer.context.name, text }, { echo: true });
  },
  close: (peer) => void peer.publish(ROOM, { type: "left", name: peer.context.name }),
});

function nameOf({ context }: Peer<Visitor>): string {
  return context.name;
}
