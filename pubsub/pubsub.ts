import type { Awaitable } from "../common/thenable.ts";
import type { SubscribeOptions, SubscribeResult } from "./history/subscribe_options.ts";
import type { Subscribers } from "./subscribers.ts";
import type { BroadcastDomain, NativeSubscriber, OutgoingFrame } from "../socket/socket.ts";

/** A subscriber of topics: the part of a peer that topics use. */
export interface Member extends NativeSubscriber {
  /**
   * Broadcast domain in which the member receives native broadcasts; `undefined` while each message
   * is sent to the member alone. After a change, the member calls {@linkcode PubSub.changeDomain}.
   */
  readonly broadcastDomain: BroadcastDomain | undefined;
}

/** Options of {@linkcode PubSub.publish}. */
export interface HubPublishOptions<M> {
  /** Namespace whose subscribers get the message. Default: all namespaces. */
  readonly namespace?: string | undefined;
  /** Member that does not get the message. */
  readonly except?: M | undefined;
  /** Whether the message stays on this node. */
  readonly local?: boolean | undefined;
  /** Whether to compress the message for members that negotiated compression. */
  readonly compress?: boolean | undefined;
}

/**
 * Members and topics, as an endpoint and its peers use them.
 *
 * `Hub` is the implementation. To change how one operation works, wrap a hub: write a class that
 * implements this interface and calls the hub. To be notified of changes only, write a
 * `HubObserver`, and make the hub with a `Notifier` of the observer.
 */
export interface PubSub<M extends Member> {
  /** Members by namespace, as a live view. */
  readonly namespaces: ReadonlyMap<string, ReadonlySet<M>>;
  /** Number of members. */
  readonly memberCount: number;
  /** Number of topics that have a subscriber. Equal topics of two namespaces count as two. */
  readonly topicCount: number;

  /** Adds a member to a namespace. */
  join(namespace: string, member: M): void;

  /** Removes a member from its namespace. Its subscriptions stay: end them first. */
  leave(namespace: string, member: M): void;

  /** Subscribes a member to a topic. */
  subscribe(namespace: string, topic: string, member: M): void;

  /** Subscribes a member after the messages that it has missed. Present if topics have histories. */
  recover?(
    namespace: string,
    topic: string,
    member: M,
    options: SubscribeOptions,
  ): Awaitable<SubscribeResult>;

  /** Ends the subscription of a member to a topic. */
  unsubscribe(namespace: string, topic: string, member: M): void;

  /** Moves a member, on all of its `topics`, out of the domain `from` into its present domain. */
  changeDomain(
    namespace: string,
    topics: Iterable<string>,
    member: M,
    from: BroadcastDomain | undefined,
  ): void;

  /** Returns the subscribers of a topic, in all namespaces or in one. */
  subscribers(topic: string, namespace?: string): Subscribers<M>;

  /** Sends a frame to every subscriber of a topic once; returns how many accepted the frame. */
  publish(topic: string, frame: OutgoingFrame, options?: HubPublishOptions<M>): number;
}
