import { defineHooks, type Hooks, type Peer } from "../../mod.ts";
import type { Live } from "./live.ts";
import {
  cleanName,
  type ClientMessage,
  type Line,
  parseClientMessage,
  type Person,
  roomAt,
  type ServerMessage,
} from "./protocol.ts";
import type { Rooms } from "./room.ts";
import { LIVE, ROOM, ROOMS } from "./topics.ts";

/** Context of a peer: `upgrade` creates it, and every later hook reads it as `peer.context`. */
export interface Visitor {
  name: string;
}

/** The hooks of the chat. They are the same on every runtime. */
export function chatHooks(rooms: Rooms, live: Live): Partial<Hooks<Visitor>> {
  return defineHooks<Visitor>({
    upgrade(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (!roomAt(pathname)) return refuse(404, "This room does not exist");
      if (!rooms.admits(pathname, Date.now())) return refuse(503, "The server has no free room");
      // The default namespace is the pathname, so each room has its own namespace.
      return { context: { name: cleanName(searchParams.get("name")) ?? "Guest" } };
    },

    open(peer) {
      for (const topic of [ROOM, ROOMS, LIVE]) peer.subscribe(topic);
      const { lines } = rooms.enter(peer.namespace);
      live.start();
      send(peer, {
        type: "welcome",
        you: peer.id,
        people: [...peer.peers].map(personOf),
        lines,
        rooms: live.rooms(),
      });
      publishToOthers(peer, { type: "joined", person: personOf(peer) });
    },

    message(peer, message) {
      const said = message.type === "text" ? parseClientMessage(message.text()) : undefined;
      if (said) answer(peer, said);
      else peer.close(1008, "unknown chat message");
    },

    close(peer) {
      publishToOthers(peer, { type: "left", person: personOf(peer) });
      if (peer.peers.size === 0) rooms.vacate(peer.namespace, Date.now());
      live.stopIfAlone();
    },

    error(peer, error) {
      console.error(`chat: ${peer.context.name} (${peer.id})`, error);
    },
  });

  function answer(peer: Peer<Visitor>, said: ClientMessage): void {
    switch (said.type) {
      case "say": {
        const { id, text } = said;
        const { line, isNew } = rooms.enter(peer.namespace).keep(
          { id, from: peer.id, name: peer.context.name, text, at: Date.now() },
        );
        // The writer receives the line too, as a receipt. If the writer sends a line again because
        // no receipt has arrived, only the writer receives the line.
        if (isNew) peer.publish(ROOM, lineMessage(line), { echo: true });
        else send(peer, lineMessage(line));
        return;
      }
      case "rename":
        peer.context.name = said.name;
        peer.publish(ROOM, renamed(peer), { echo: true });
        return;
      case "typing":
        return publishToOthers(peer, { type: "typing", id: peer.id });
      case "watch":
        return said.on ? peer.subscribe(LIVE) : peer.unsubscribe(LIVE);
    }
  }
}

function lineMessage(line: Line): ServerMessage {
  return { type: "line", line };
}

function renamed(peer: Peer<Visitor>): ServerMessage {
  return { type: "renamed", person: personOf(peer) };
}

function personOf({ id, context }: Peer<Visitor> | Peer): Person {
  return { id, name: String(context.name) };
}

/** Sends a message of the type that the page can read. */
function send(peer: Peer<Visitor>, message: ServerMessage): void {
  peer.send(message);
}

function publishToOthers(peer: Peer<Visitor>, message: ServerMessage): void {
  peer.publish(ROOM, message);
}

function refuse(status: number, why: string): Response {
  return new Response(`${why}\n`, { status });
}
