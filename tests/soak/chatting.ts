import type { Latencies } from "./latency.ts";
import { Member, type Run } from "./member.ts";
import { type Numbered, numbered } from "./numbered.ts";

/** One room, with the messages that its members must receive. */
export class Room {
  readonly number: number;
  /** Times at which messages were sent, by topic, sender and number. */
  readonly sentAt: Map<string, number> = new Map<string, number>();
  /** Last number of each sender whose messages must all arrive, by topic and name. */
  readonly said: Map<string, { topic: string; from: string; seq: number }> = new Map();
  readonly latencies: Latencies | undefined;

  constructor(number: number, latencies?: Latencies) {
    this.number = number;
    this.latencies = latencies;
  }
}

/** Topics: of all members, of members that join and leave, and of the server. */
const STEADY = "a", CHANGING = "b", TICKS = "t";

/** Behaviour of a chatting client. */
export interface ChattingOptions {
  readonly deflate: boolean;
  /** Whether the client joins before the first message. */
  readonly isSteady: boolean;
  /** Whether all its messages must arrive. A client that resets its connection may lose some. */
  readonly isReliable: boolean;
}

/** Publishes in a room, and receives the messages of the others. */
export class Chatting extends Member {
  readonly #room: Room;
  readonly #options: ChattingOptions;
  readonly #seq = { [STEADY]: 0, [CHANGING]: 0 };
  #isInChanging = false;
  #isWaiting = false;

  constructor(run: Run, name: string, room: Room, options: ChattingOptions) {
    super(run, {
      name: `r${room.number}-${name}`,
      path: `/rooms/${room.number}?topics=${STEADY}${TICKS}`,
      deflate: options.deflate,
      whole: options.isSteady ? STEADY : "",
    });
    this.#room = room;
    this.#options = options;
  }

  /** Publishes to one of the topics, whether subscribed or not. */
  speak(): void {
    const topic = Math.random() < 0.7 ? STEADY : CHANGING;
    const seq = ++this.#seq[topic];
    const message = numbered(topic, this.name, seq, 20 + Math.floor(Math.random() ** 4 * 4000));
    this.#room.sentAt.set(`${topic}${this.name} ${seq}`, performance.now());
    if (this.#options.isReliable) {
      this.#room.said.set(topic + this.name, { topic, from: this.name, seq });
    }
    this.send(message, Math.random() < 0.5);
  }

  /** Joins or leaves the changing topic. */
  change(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.send(`${this.#isInChanging ? "-" : "+"}${CHANGING}`, false);
  }

  protected override answered(text: string): void {
    if (!this.#isWaiting || text !== `${this.#isInChanging ? "-" : "+"}${CHANGING}`) {
      return super.answered(text);
    }
    this.#isWaiting = false;
    this.#isInChanging = !this.#isInChanging;
    if (!this.#isInChanging) this.receipts.forget(CHANGING);
  }

  protected override received({ topic, from, seq }: Numbered): void {
    if (topic === TICKS) return;
    const where = `${this.name} got ${topic} ${seq} of ${from}`;
    if (!from.startsWith(`r${this.#room.number}-`)) this.run.ledger.wrong("stray", where);
    if (from === this.name) this.run.ledger.wrong("stray", `${where}: its own message`);
    if (topic === CHANGING && !this.#isInChanging && !this.#isWaiting) {
      this.run.ledger.wrong("stray", `${where}: not subscribed`);
    }
    const sentAt = this.#room.sentAt.get(`${topic}${from} ${seq}`);
    if (sentAt === undefined) this.run.ledger.wrong("stray", `${where}: never sent`);
    else this.#room.latencies?.add(performance.now() - sentAt);
  }

  /** Lists missing messages of the steady topic, and missing ticks of the server. */
  missing(ticks: number): string[] {
    const missing: string[] = [];
    for (const { topic, from, seq } of this.#room.said.values()) {
      if (topic !== STEADY || from === this.name) continue;
      const last = this.receipts.last(topic, from);
      if (last < seq) missing.push(`${this.name} has ${last} of ${seq} of ${from}`);
    }
    const last = this.receipts.last(TICKS, "server");
    if (last < ticks) missing.push(`${this.name} has tick ${last} of ${ticks}`);
    return missing;
  }
}
