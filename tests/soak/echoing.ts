import type { Latencies } from "./latency.ts";
import { Member, type Run } from "./member.ts";
import { type Numbered, numbered } from "./numbered.ts";

/** Behaviour of an echoing client. */
export interface EchoingOptions {
  /** Returns the characters in the body of the n-th message. */
  readonly length: (seq: number) => number;
  readonly isBinary: boolean;
  readonly deflate: boolean;
  /** Whether the client asks for a slow `open` hook. */
  readonly isLate?: boolean;
  readonly latencies?: Latencies;
}

/** Sends numbered messages, and expects each echo. */
export class Echoing extends Member {
  readonly #options: EchoingOptions;
  readonly #sentAt = new Map<number, number>();
  #seq = 0;

  constructor(run: Run, name: string, options: EchoingOptions) {
    super(run, {
      name,
      path: options.isLate ? "/echo?late" : "/echo",
      deflate: options.deflate,
      whole: TOPIC,
    });
    this.#options = options;
  }

  speak(): void {
    const seq = ++this.#seq;
    const { length, isBinary } = this.#options;
    this.#sentAt.set(seq, performance.now());
    this.send(numbered(TOPIC, this.name, seq, length(seq)), isBinary);
  }

  protected override received({ from, seq }: Numbered): void {
    const sentAt = this.#sentAt.get(seq);
    if (from !== this.name || sentAt === undefined) {
      return this.run.ledger.wrong("stray", `${this.name} got an echo of ${from} ${seq}`);
    }
    this.#sentAt.delete(seq);
    this.#options.latencies?.add(performance.now() - sentAt);
  }

  /** Number of messages without an echo. */
  get outstanding(): number {
    return this.#sentAt.size;
  }
}

const TOPIC = "e";
