/// <reference lib="dom" />
import { pathOf, type ServerMessage } from "../protocol.ts";
import { Connection, type ConnectionListener } from "./connection.ts";
import { Outgoing } from "./outgoing.ts";
import type { Transport } from "./transport.ts";

/** Queues by room. An unconfirmed line stays queued for the next visit to its room. */
const outgoingOf = new Map<string, Outgoing>();

/** A visit to one room: the connection and the queue of outgoing lines. */
export class RoomConnection {
  readonly room: string;
  readonly outgoing: Outgoing;
  readonly connection: Connection;
  /** Position of the last line that this page has. The server sends the lines after it. */
  #position: string | undefined;
  /** Position at the begin of the present connection. */
  #since: string | undefined;

  constructor(
    room: string,
    name: () => string,
    transport: Transport,
    listener: ConnectionListener,
  ) {
    this.room = room;
    this.outgoing = outgoingOf.get(room) ?? new Outgoing();
    outgoingOf.set(room, this.outgoing);
    const open = () => {
      const url = new URL(pathOf(room), location.href.replace(/^http/, "ws"));
      url.searchParams.set("name", name());
      this.#since = this.#position;
      if (this.#since) url.searchParams.set("since", this.#since);
      return transport.open(url.href);
    };
    this.connection = new Connection(open, {
      onstate: (state) => {
        if (state.kind !== "connected") this.outgoing.pause();
        listener.onstate(state);
      },
      onmessage: (message) => {
        listener.onmessage(message);
        this.#track(message);
      },
    });
  }

  /** Leaves the room. */
  end(): void {
    this.connection.close();
    this.outgoing.pause();
  }

  #track(message: ServerMessage): void {
    if (message.type === "kept") return this.outgoing.confirm(message.id);
    if (message.type === "line") {
      this.outgoing.confirm(message.line.id);
      this.#position = message.position;
    }
    if (message.type !== "welcome") return;
    // If lines have come already, the last of them is at this position, or a later one.
    if (this.#position === this.#since) this.#position = message.position ?? this.#since;
    const { connection } = this;
    this.outgoing.resume((say) => connection.send(say), connection.reset);
  }
}
