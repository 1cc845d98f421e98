import type { Numbered } from "./numbered.ts";

/** What went wrong with messages. All zero, or the run has failed. */
export interface Wrongs {
  lost: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  /** Came where nobody sent them: another namespace, a topic that was left. */
  stray: number;
}

/** The books of a run: what came, and whether it came once, whole and in its place. */
export class Ledger {
  readonly wrongs: Wrongs = { lost: 0, duplicated: 0, reordered: 0, corrupted: 0, stray: 0 };
  /** Messages that came. */
  received = 0;
  /** The first few things that went wrong, in words. */
  readonly remarks: string[] = [];

  wrong(what: keyof Wrongs, words: string, count = 1): void {
    this.wrongs[what] += count;
    if (this.remarks.length < 20) this.remarks.push(`${what}: ${words}`);
  }

  get isClean(): boolean {
    return Object.values(this.wrongs).every((count) => count === 0);
  }
}

/** What one receiver has from each sender, by topic. */
export class Receipts {
  readonly #ledger: Ledger;
  readonly #who: string;
  readonly #whole: string;
  readonly #last = new Map<string, number>();

  /** @param whole topics of which it must hear every sender from its first message on. */
  constructor(ledger: Ledger, who: string, whole: string) {
    this.#ledger = ledger;
    this.#who = who;
    this.#whole = whole;
  }

  /** Notes that a message came. */
  take({ topic, from, seq, isWhole }: Numbered): void {
    this.#ledger.received++;
    const key = topic + from;
    const last = this.#last.get(key) ?? (this.#whole.includes(topic) ? 0 : undefined);
    const where = `${this.#who} got ${key} ${seq} after ${last}`;
    if (!isWhole) this.#ledger.wrong("corrupted", where);
    if (last !== undefined && seq !== last + 1) {
      if (seq === last) this.#ledger.wrong("duplicated", where);
      else if (seq < last) this.#ledger.wrong("reordered", where);
      else this.#ledger.wrong("lost", where, seq - last - 1);
    }
    if (last === undefined || seq > last) this.#last.set(key, seq);
  }

  /** The last number that came from a sender on a topic; 0 before the first. */
  last(topic: string, from: string): number {
    return this.#last.get(topic + from) ?? 0;
  }

  /** A topic was left: what comes later, after it was joined again, may start anywhere. */
  forget(topic: string): void {
    for (const key of this.#last.keys()) if (key[0] === topic) this.#last.delete(key);
  }
}
