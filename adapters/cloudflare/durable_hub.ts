import type { Subscribers } from "../../pubsub/subscribers.ts";
import type { Hub } from "../../pubsub/hub.ts";
import type { HubPublishOptions, PubSub } from "../../pubsub/pubsub.ts";
import type { Peer } from "../../peer.ts";
import type { BroadcastDomain, OutgoingFrame } from "../../socket/socket.ts";

/**
 * Hub of a Durable Object, around a plain {@linkcode Hub}.
 *
 * After hibernation the plain hub is empty, although clients are connected. So this hub revives all
 * peers before the first publish, and before the first read of its members.
 */
export class DurableHub implements PubSub<Peer> {
  readonly #hub: Hub<Peer>;
  readonly #checkTopic: (peer: Peer, topic: string) => void;
  /** Revives the peers that are missing in the plain hub; `undefined` if no peer is missing. */
  reviveAll: (() => void) | undefined;

  /** @param checkTopic throws if one more topic would make the peer's state too large to save. */
  constructor(hub: Hub<Peer>, checkTopic: (peer: Peer, topic: string) => void) {
    this.#hub = hub;
    this.#checkTopic = checkTopic;
  }

  get namespaces(): ReadonlyMap<string, ReadonlySet<Peer>> {
    this.reviveAll?.();
    return this.#hub.namespaces;
  }

  get memberCount(): number {
    this.reviveAll?.();
    return this.#hub.memberCount;
  }

  get topicCount(): number {
    this.reviveAll?.();
    return this.#hub.topicCount;
  }

  join(namespace: string, peer: Peer): void {
    this.#hub.join(namespace, peer);
  }

  leave(namespace: string, peer: Peer): void {
    this.#hub.leave(namespace, peer);
  }

  subscribe(namespace: string, topic: string, peer: Peer): void {
    if (namespace === peer.namespace) this.#checkTopic(peer, topic); // not for topics of users
    this.#hub.subscribe(namespace, topic, peer);
  }

  unsubscribe(namespace: string, topic: string, peer: Peer): void {
    this.#hub.unsubscribe(namespace, topic, peer);
  }

  changeDomain(
    namespace: string,
    topics: Iterable<string>,
    peer: Peer,
    from: BroadcastDomain | undefined,
  ): void {
    this.#hub.changeDomain(namespace, topics, peer, from);
  }

  subscribers(topic: string, namespace?: string): Subscribers<Peer> {
    this.reviveAll?.();
    return this.#hub.subscribers(topic, namespace);
  }

  publish(topic: string, frame: OutgoingFrame, options?: HubPublishOptions<Peer>): number {
    this.reviveAll?.();
    return this.#hub.publish(topic, frame, options);
  }
}
