import type { Numbered } from "./numbered.ts";

/** Counts of wrong messages. The run fails unless all are zero. */
export interface Wrongs {
  lost: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  /** Messages in the wrong place: another namespace, a topic that was left. */
  stray: number;
}

/** Ledger of a run: counts messages, and checks that each arrives once, complete and in order. */
export class Ledger {
  readonly wrongs: Wrongs = { lost: 0, duplicated: 0, reordered: 0, corrupted: 0, stray: 0 };
  /** Number of received messages. */
  received = 0;
  /** Descriptions of the first wrong messages. */
  readonly remarks: string[] = [];

  wrong(what: keyof Wrongs, words: string, count = 1): void {
    this.wrongs[what] += count;
    if (this.remarks.length < 20) this.remarks.push(`${what}: ${words}`);
  }

  get isClean(): boolean {
    return Object.values(this.wrongs).every((count) => count === 0);
  }
}

/** Last numbers that one receiver got from each sender, by topic. */
export class Receipts {
  readonly #ledger: Ledger;
  readonly #who: string;
  readonly #whole: string;
  readonly #last = new Map<string, number>();

  /** @param whole topics on which the receiver must get the first message of every sender. */
  constructor(ledger: Ledger, who: string, whole: string) {
    this.#ledger = ledger;
    this.#who = who;
    this.#whole = whole;
  }

  /** Checks and counts a received message. */
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

  /** Returns the last number from a sender on a topic; 0 before the first. */
  last(topic: string, from: string): number {
    return this.#last.get(topic + from) ?? 0;
  }

  /** Forgets a topic that the receiver left: after it joins again, numbers may start anywhere. */
  forget(topic: string): void {
    for (const key of this.#last.keys()) if (key[0] === topic) this.#last.delete(key);
  }
}
