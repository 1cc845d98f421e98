import type { Endpoint, Stats } from "../../mod.ts";
import { roomAt, type RoomInfo, type ServerMessage } from "./protocol.ts";
import { LIVE, ROOMS } from "./topics.ts";

const INTERVAL = 1_000;
/** Number of rooms in the page's list. */
const LISTED = 12;

/** The part of an endpoint that `Live` reads and publishes to. */
type Watched = Pick<Endpoint, "stats" | "peers" | "publish">;

/** Publishes the server's load to every page once a second, if at least one peer is connected. */
export class Live {
  readonly #endpoint: () => Watched;
  readonly #pausesWhenIdle: boolean;
  #timer: ReturnType<typeof setInterval> | undefined;
  #before: Stats | undefined;
  #ownMessages = 0;
  #publishedRooms = "";

  /**
   * @param endpoint returns the endpoint. A function, because hooks exist before their endpoint.
   * @param pausesWhenIdle whether the timer stops after a second without messages, until the next
   * `start()`.
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

  /** The rooms with the most people, counted from the endpoint's peers. */
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
      // Excludes the messages of `Live`, so that the graph of an idle server is flat.
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

  /**
   * Publishes to all rooms of this node: without a namespace, a topic reaches all namespaces. Each
   * node has its own figures.
   */
  #publish(topic: string, message: ServerMessage): number {
    return this.#endpoint().publish(topic, message, { local: true });
  }
}
