import type { Journey } from "./journey.ts";
import type { Notice, Request } from "./fleet_node.ts";

/** Milliseconds in which a node must answer, or the client tries another one. */
const MAX_SILENCE = 3000;

/** A WebSocket to a node, with JSON messages. */
export class Line {
  readonly #socket: WebSocket;
  /** Resolves when the connection has ended, or could not be made. */
  readonly ended: Promise<void>;
  /** Resolves when the connection is open; also when it has ended before. */
  readonly opened: Promise<void>;

  constructor(url: string, take: (notice: Notice) => void) {
    const socket = this.#socket = new WebSocket(url);
    this.ended = new Promise((resolve) => {
      socket.onclose = () => resolve();
      socket.onerror = () => resolve();
    });
    this.opened = Promise.race([
      new Promise<void>((resolve) => socket.onopen = () => resolve()),
      this.ended,
    ]);
    socket.onmessage = ({ data }) => take(JSON.parse(data) as Notice);
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(request: Request): void {
    if (this.isOpen) this.#socket.send(JSON.stringify(request));
  }

  end(): void {
    this.#socket.onmessage = null;
    this.#socket.close();
  }
}

/** A client of one topic that always comes back, with its last position. */
export class FleetClient {
  readonly journey: Journey;
  readonly #topic: string;
  readonly #address: () => string;
  readonly #pause: () => number;
  #isSubscribed = false;
  #isOver = false;
  #leave = () => {};
  readonly #done: Promise<void>;

  /**
   * @param address returns the URL of a node.
   * @param pause returns the milliseconds until the client comes back.
   */
  constructor(journey: Journey, topic: string, address: () => string, pause: () => number) {
    this.journey = journey;
    this.#topic = topic;
    this.#address = address;
    this.#pause = pause;
    this.#done = this.#live();
  }

  /** Whether the client is connected, and knows the result of its subscription. */
  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /** Ends the connection. The client comes back later. */
  leave(): void {
    this.#leave();
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#leave();
    await this.#done;
  }

  async #live(): Promise<void> {
    while (!this.#isOver) {
      await this.#visit();
      this.#isSubscribed = false;
      this.journey.end();
      if (!this.#isOver) await new Promise((resolve) => setTimeout(resolve, this.#pause()));
    }
  }

  async #visit(): Promise<void> {
    let answered = () => {};
    const isAnswered = new Promise<void>((resolve) => answered = resolve);
    const left = new Promise<void>((resolve) => this.#leave = resolve);
    let isOver = false;
    const line = new Line(this.#address(), (notice) => {
      if (isOver) return;
      this.journey.take(notice);
      if ("subscribed" in notice) answered();
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<void>((resolve) => timer = setTimeout(resolve, MAX_SILENCE));
    const end = Promise.race([line.ended, left]);
    await Promise.race([line.opened, silence, end]);
    if (line.isOpen) {
      line.send({ subscribe: this.#topic, since: this.journey.begin() });
      await Promise.race([isAnswered.then(() => this.#isSubscribed = true), silence, end]);
      if (this.#isSubscribed) await end;
    }
    clearTimeout(timer);
    isOver = true;
    line.end();
  }
}
