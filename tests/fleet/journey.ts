import { parsePosition, type Position } from "../../pubsub/history/position.ts";
import type { SubscribeResult } from "../../pubsub/history/subscribe_options.ts";
import type { Ledger } from "./ledger.ts";
import type { Notice } from "./fleet_node.ts";

/**
 * Model of one client of one topic, over all its connections. Messages must follow each other
 * without a gap or a double, unless the client has been told.
 */
export class Journey {
  /** What the client has seen against the rules. */
  readonly wrongs: string[] = [];
  readonly counts = { messages: 0, recovered: 0, replayed: 0, notRecovered: 0, gaps: 0 };
  /** Text of the newest message. */
  latest: string | undefined;
  readonly topic: string;
  readonly #ledger: Ledger;
  readonly #name: string;
  /** Position after which the next message must come; `undefined` if the client was told of a gap. */
  #after: Position | undefined;
  /** Newest position that the client knows. */
  #since: string | undefined;
  /** Notices that came before the result of the subscription. */
  #early: Notice[] | undefined;
  /** Last positions of histories after which another one began without a word. */
  readonly #ends: Position[] = [];

  constructor(ledger: Ledger, name: string, topic: string) {
    this.#ledger = ledger;
    this.#name = name;
    this.topic = topic;
  }

  /** The client has all messages up to a position, from an earlier time. */
  resume(since: string): void {
    this.#since = since;
  }

  /** The client subscribes. Returns the position that it presents. */
  begin(): string | undefined {
    this.#early = [];
    return this.#since;
  }

  take(notice: Notice): void {
    if ("subscribed" in notice) this.#subscribed(notice.subscribed);
    else if (this.#early) this.#early.push(notice);
    else if ("gap" in notice) {
      this.counts.gaps++;
      this.#after = undefined;
    } else if ("text" in notice) this.#received(notice);
  }

  /** The connection has ended. */
  end(): void {
    if (!this.#early) return;
    // Messages without the result of the subscription: only their order counts, and they may repeat.
    this.#early = undefined;
  }

  #subscribed({ recovered, replayed, position, reason }: SubscribeResult): void {
    const since = this.#since === undefined ? undefined : parsePosition(this.#since);
    this.counts.replayed += replayed;
    if (recovered) {
      this.counts.recovered++;
      const now = position === undefined ? undefined : parsePosition(position);
      if (!since || now?.epoch !== since.epoch || now.offset - since.offset !== replayed) {
        this.#wrong(`recovered ${replayed} from ${this.#since} to ${position}`);
      }
      this.#after = since;
    } else {
      if (since) this.counts.notRecovered++;
      if (since && reason === undefined) this.#wrong(`not recovered, for no reason`);
      this.#after = position === undefined ? undefined : parsePosition(position);
      this.#since = position;
    }
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const notice of early) this.take(notice);
  }

  #received({ text, position }: Extract<Notice, { readonly text: string }>): void {
    const at = parsePosition(position)!, after = this.#after;
    this.#ledger.add(this.topic, at, text);
    this.counts.messages++;
    if (after && after.epoch !== at.epoch && at.offset === 1) this.#ends.push(after);
    else if (after && (after.epoch !== at.epoch || after.offset + 1 !== at.offset)) {
      this.#wrong(`got ${position} after ${JSON.stringify(after)}`);
    }
    this.#after = at;
    this.#since = position;
    this.latest = text;
  }

  /** Checks what only the whole ledger shows. */
  finish(): void {
    for (const { epoch, offset } of this.#ends) {
      if (!this.#ledger.has(this.topic, { epoch, offset: offset + 1 })) continue;
      this.#wrong(`missed the end of a history after ${JSON.stringify({ epoch, offset })}`);
    }
  }

  #wrong(words: string): void {
    this.wrongs.push(`${this.#name} of ${this.topic}: ${words}`);
  }
}
