import type { Peer } from "../peer.ts";
import type { MissedReason } from "../pubsub/history/subscribe_options.ts";
import type { PubSub } from "../pubsub/pubsub.ts";
import type { TopicName, TopicRules } from "../pubsub/topic_options.ts";

/** Runs the hook `gap` of the peers that may have missed messages. */
export class Gaps {
  readonly #hub: Pick<PubSub<Peer>, "namespaces" | "subscribers">;
  readonly #rules: TopicRules | undefined;

  constructor(
    hub: Pick<PubSub<Peer>, "namespaces" | "subscribers">,
    rules: TopicRules | undefined,
  ) {
    this.#hub = hub;
    this.#rules = rules;
  }

  /**
   * The subscribers of a topic with history may have missed messages. Runs the hooks now, before the
   * messages after the gap: a client that closes must not take the last of them for its position.
   */
  missed({ namespace, topic }: TopicName, reason: MissedReason): void {
    for (const peer of this.#hub.subscribers(topic, namespace)) {
      peer.topicListener.missed({ topics: [topic], reason });
    }
  }

  /** Messages of topics without history may have been missed while the broker was away. */
  missedLive(): void {
    for (const [namespace, peers] of this.#hub.namespaces) {
      for (const peer of peers) {
        if (!peer.topicListener.hearsGaps) continue;
        const isLive = (topic: string) => !this.#rules?.of(topic, namespace).history;
        const topics = [...peer.topics].filter(isLive);
        if (topics.length > 0) peer.topicListener.missed({ topics, reason: "no history" });
      }
    }
  }
}
