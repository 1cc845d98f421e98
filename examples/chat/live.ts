import type { Endpoint, PresenceMember, Stats } from "../../mod.ts";
import { type Person, roomAt, type RoomInfo, type ServerMessage } from "./protocol.ts";
import { LIVE, PEOPLE, ROOMS } from "./topics.ts";

/** The part of an endpoint that the chat uses. */
export type Chat = Pick<Endpoint, "peers" | "stats" | "publish" | "commit" | "presence">;

const INTERVAL = 1_000;
/** Number of rooms in the page's list. */
const LISTED = 12;

/** Publishes the server's load to every page once a second, if at least one peer is connected. */
export class Live {
  readonly #endpoint: () => Chat;
  readonly #pausesWhenIdle: boolean;
  #timer: ReturnType<typeof setInterval> | undefined;
  #before: Stats | undefined;
  #ownMessages = 0;
  #published = "";

  /**
   * @param endpoint returns the endpoint. A function, because hooks exist before their endpoint.
   * @param pausesWhenIdle whether the timer stops after a second without messages, until the next
   * `start()`.
   */
  constructor(endpoint: () => Chat, pausesWhenIdle = false) {
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

  /** The people in a room, and whether the list may be out of date. */
  async people(namespace: string): Promise<{ people: Person[]; stale: boolean }> {
    const { members, stale } = await this.#endpoint().presence(PEOPLE, { namespace });
    return { people: members.map(personOf), stale };
  }

  async #publishFigures(): Promise<void> {
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
    const [namespace] = this.#endpoint().peers.keys();
    if (namespace === undefined) return;
    const { stale } = await this.people(namespace); // the same for all rooms of this node
    const news: ServerMessage = { type: "rooms", rooms: this.rooms(), stale };
    const text = JSON.stringify(news);
    if (text === this.#published) return;
    this.#published = text;
    this.#ownMessages += this.#publish(ROOMS, news);
  }

  /**
   * Publishes to all rooms of this node: without a namespace, a topic reaches all namespaces. Each
   * node has its own figures.
   */
  #publish(topic: string, message: ServerMessage): number {
    return this.#endpoint().publish(topic, message, { local: true });
  }
}

/** Returns a member of the topic {@linkcode PEOPLE} as the page knows it. */
export function personOf({ id, data }: PresenceMember): Person {
  return { id, name: (data as { readonly name: string }).name };
}
