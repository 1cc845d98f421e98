import { defineHooks, type Hooks, type Peer } from "../../mod.ts";
import { type Chat, type Live, personOf } from "./live.ts";
import {
  cleanName,
  type ClientMessage,
  parseClientMessage,
  roomAt,
  type ServerMessage,
} from "./protocol.ts";
import { LINES, LIVE, PEOPLE, ROOMS } from "./topics.ts";

/** Lines that a new page gets. */
const LATEST = { limit: 50 };
/** Maximum number of rooms with people. */
const MAX_ROOMS = 100;

/** Context of a peer: `upgrade` creates it, and every later hook reads it as `peer.context`. */
export interface Visitor {
  name: string;
}

/**
 * The hooks of the chat. They are the same on every runtime.
 *
 * @param chat returns the endpoint. A function, because hooks exist before their endpoint.
 */
export function chatHooks(chat: () => Chat, live: Live): Partial<Hooks<Visitor>> {
  return defineHooks<Visitor>({
    upgrade(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (!roomAt(pathname)) return refuse(404, "This room does not exist");
      const { peers } = chat();
      if (!peers.has(pathname) && peers.size >= MAX_ROOMS) {
        return refuse(503, "The server has no free room");
      }
      // The default namespace is the pathname, so each room has its own namespace.
      return { context: { name: cleanName(searchParams.get("name")) ?? "Guest" } };
    },

    async open(peer) {
      for (const topic of [PEOPLE, ROOMS, LIVE]) peer.subscribe(topic);
      peer.enter(PEOPLE, { name: peer.context.name });
      live.start();
      const { position, missed } = await subscribeToLines(peer);
      send(peer, {
        type: "welcome",
        you: peer.id,
        position,
        missed,
        ...await live.people(peer.namespace),
        rooms: live.rooms(),
      });
    },

    message(peer, message) {
      const said = message.type === "text" ? parseClientMessage(message.text()) : undefined;
      if (said) return answer(peer, said);
      peer.close(1008, "unknown chat message");
    },

    presence(peer, { joined, updated, left }) {
      const people = (members: typeof joined) => members.map(personOf);
      send(peer, {
        type: "people",
        joined: people(joined),
        updated: people(updated),
        left: people(left),
      });
    },

    gap(peer, { topics }) {
      if (topics.includes(LINES)) send(peer, { type: "missed" });
    },

    close: () => live.stopIfAlone(),

    error(peer, error) {
      console.error(`chat: ${peer.context.name} (${peer.id})`, error);
    },
  });

  async function answer(peer: Peer<Visitor>, said: ClientMessage): Promise<void> {
    switch (said.type) {
      case "say": {
        const { id, text } = said, { name } = peer.context;
        const line = { id, from: peer.id, name, text, at: Date.now() };
        // All subscribers get the line, also its writer. A page that gets no receipt sends the line
        // again, maybe to another node: with the same key, the line is in the room once.
        await chat().commit(LINES, line, { namespace: peer.namespace, key: id });
        return send(peer, { type: "kept", id });
      }
      case "rename":
        peer.context.name = said.name;
        return peer.enter(PEOPLE, { name: said.name });
      case "typing": {
        const typing: ServerMessage = { type: "typing", id: peer.id };
        return void peer.publish(PEOPLE, typing);
      }
      case "watch":
        return said.on ? peer.subscribe(LIVE) : peer.unsubscribe(LIVE);
    }
  }
}

/**
 * Sends the lines that a page has missed, or the latest ones to a new page. Then each new line
 * follows.
 */
async function subscribeToLines(
  peer: Peer<Visitor>,
): Promise<{ position: string | undefined; missed: boolean }> {
  const since = new URL(peer.request.url).searchParams.get("since") ?? undefined;
  const { position, reason } = await peer.subscribe(LINES, since ? { since } : LATEST);
  if (!reason || !since) return { position, missed: reason !== undefined };
  // The room no longer has all lines after `since`. The page then shows what there is.
  peer.unsubscribe(LINES);
  return { position: (await peer.subscribe(LINES, LATEST)).position, missed: true };
}

/** Sends a message of the type that the page can read. */
function send(peer: Peer<Visitor>, message: ServerMessage): void {
  peer.send(message);
}

function refuse(status: number, why: string): Response {
  return new Response(`${why}\n`, { status });
}
