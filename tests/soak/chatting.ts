import type { Latencies } from "./latency.ts";
import { Member, type Run } from "./member.ts";
import { type Numbered, numbered } from "./numbered.ts";

/** One room: what has been said in it, for those who must have heard all. */
export class Room {
  readonly number: number;
  /** When a message was sent, by its topic, sender and number. */
  readonly sentAt: Map<string, number> = new Map<string, number>();
  /** The last number of each sender whose messages must all arrive, by topic and name. */
  readonly said: Map<string, { topic: string; from: string; seq: number }> = new Map();
  readonly latencies: Latencies | undefined;

  constructor(number: number, latencies?: Latencies) {
    this.number = number;
    this.latencies = latencies;
  }
}

/** The topic that everybody is in, the one that some join and leave, and the server's own. */
const STEADY = "a", CHANGING = "b", TICKS = "t";

/** How a chatting client behaves. */
export interface ChattingOptions {
  readonly deflate: boolean;
  /** Is there before anybody speaks. */
  readonly isSteady: boolean;
  /** Leaves in a way that all it has said must arrive: a client that resets its line does not. */
  readonly isReliable: boolean;
}

/** Publishes in a room, and hears what others publish. */
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

  /** Publishes to one of the topics, whether it is in it or not. */
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
    if (from === this.name) this.run.ledger.wrong("stray", `${where}: its own`);
    if (topic === CHANGING && !this.#isInChanging && !this.#isWaiting) {
      this.run.ledger.wrong("stray", `${where}: not subscribed`);
    }
    const sentAt = this.#room.sentAt.get(`${topic}${from} ${seq}`);
    if (sentAt === undefined) this.run.ledger.wrong("stray", `${where}: never said`);
    else this.#room.latencies?.add(performance.now() - sentAt);
  }

  /** What it has not heard of all that was said on the steady topic, and of the server's ticks. */
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
