import type { Endpoint, Stats } from "../../mod.ts";
import { roomAt, type RoomInfo, type ServerMessage } from "./protocol.ts";
import { LIVE, ROOMS } from "./topics.ts";

const INTERVAL = 1_000;
/** Rooms that the page lists. */
const LISTED = 12;

/** What of an endpoint is watched. */
type Watched = Pick<Endpoint, "stats" | "peers" | "publish">;

/** Tells every page, once a second, how busy the server is. Its timer runs only while somebody listens. */
export class Live {
  readonly #endpoint: () => Watched;
  readonly #pausesWhenIdle: boolean;
  #timer: ReturnType<typeof setInterval> | undefined;
  #before: Stats | undefined;
  #ownMessages = 0;
  #publishedRooms = "";

  /**
   * @param endpoint is asked later: hooks exist before their endpoint does.
   * @param pausesWhenIdle whether it stops after a second in which nobody said anything, until the next `start()`.
   */
  constructor(endpoint: () => Watched, pausesWhenIdle = false) {
    this.#endpoint = endpoint;
    this.#pausesWhenIdle = pausesWhenIdle;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#before = this.#endpoint().stats;
    this.#ownMessages = 0;
    this.#timer = setInterval(() => this.#publishFigures(), INTERVAL);
  }

  stopIfAlone(): void {
    if (this.#endpoint().stats.peers === 0) this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The rooms with most people, from the library's own books. */
  rooms(): RoomInfo[] {
    return [...this.#endpoint().peers]
      .map(([namespace, peers]) => ({ room: roomAt(namespace) ?? "", people: peers.size }))
      .sort((a, b) => b.people - a.people || a.room.localeCompare(b.room))
      .slice(0, LISTED);
  }

  #publishFigures(): void {
    const { stats } = this.#endpoint();
    const before = this.#before ?? stats;
    const figures = {
      peers: stats.peers,
      topics: stats.topics,
      received: stats.messagesIn - before.messagesIn,
      // Without these very messages: a silent server is to show a flat line.
      sent: stats.messagesOut - before.messagesOut - this.#ownMessages,
    };
    this.#before = stats;
    if (this.#pausesWhenIdle && figures.received + figures.sent === 0) this.#stop();
    this.#ownMessages = this.#publish(LIVE, { type: "live", figures });
    const rooms = this.rooms();
    const text = JSON.stringify(rooms);
    if (text === this.#publishedRooms) return;
    this.#publishedRooms = text;
    this.#ownMessages += this.#publish(ROOMS, { type: "rooms", rooms });
  }

  /** To all rooms at once: no namespace is given. */
  #publish(topic: string, message: ServerMessage): number {
    return this.#endpoint().publish(topic, message);
  }
}
