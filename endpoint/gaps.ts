import type { Timers } from "../common/timers.ts";
import type { Peer } from "../peer.ts";
import type { MissedReason } from "../pubsub/history/subscribe_options.ts";
import type { PubSub } from "../pubsub/pubsub.ts";
import type { TopicName, TopicRules } from "../pubsub/topic_options.ts";

/** Milliseconds for which the topics of a peer are gathered for one call of the hook. */
const GATHER = 50;

/** Runs the hook `gap` of the peers that may have missed messages. */
export class Gaps {
  readonly #hub: Pick<PubSub<Peer>, "namespaces" | "subscribers">;
  readonly #rules: TopicRules | undefined;
  readonly #timers: Timers;
  /** Topics by peer and reason. */
  #gathered = new Map<Peer, Map<MissedReason, string[]>>();

  constructor(
    hub: Pick<PubSub<Peer>, "namespaces" | "subscribers">,
    rules: TopicRules | undefined,
    timers: Timers,
  ) {
    this.#hub = hub;
    this.#rules = rules;
    this.#timers = timers;
  }

  /** The subscribers of a topic with history may have missed messages. */
  missed({ namespace, topic }: TopicName, reason: MissedReason): void {
    for (const peer of this.#hub.subscribers(topic, namespace)) this.#add(peer, topic, reason);
  }

  /** Messages of topics without history may have been missed while the broker was away. */
  missedLive(): void {
    for (const [namespace, peers] of this.#hub.namespaces) {
      for (const peer of peers) {
        if (!peer.hearsGaps) continue;
        for (const topic of peer.topics) {
          if (!this.#rules?.of(topic, namespace).history) this.#add(peer, topic, "no history");
        }
      }
    }
  }

  #add(peer: Peer, topic: string, reason: MissedReason): void {
    if (!peer.hearsGaps) return;
    if (this.#gathered.size === 0) this.#timers.after(GATHER, () => this.#tell());
    let reasons = this.#gathered.get(peer);
    if (!reasons) this.#gathered.set(peer, reasons = new Map());
    const topics = reasons.get(reason);
    if (!topics) reasons.set(reason, [topic]);
    else if (!topics.includes(topic)) topics.push(topic);
  }

  #tell(): void {
    const gathered = this.#gathered;
    this.#gathered = new Map();
    for (const [peer, reasons] of gathered) {
      for (const [reason, topics] of reasons) peer.missed({ topics, reason });
    }
  }
}
