import type { BroadcastDomain, OutgoingFrame } from "../socket/socket.ts";
import type { HubPublishOptions, Member, PubSub } from "./pubsub.ts";
import type { Subscribers } from "./subscribers.ts";
import { checkTopic } from "./topic_arguments.ts";

/**
 * Namespace of the topics of users. No peer may have this namespace, and what a hub does for all
 * namespaces does not include this one: a client may name a topic.
 */
export const USER_NAMESPACE = "onepeer:users";

/**
 * Peers by user. The peers of a user are the subscribers of a topic that clients cannot reach, so
 * with the option `sync` a message to a user goes only to the nodes on which the user is.
 */
export class Users<M extends Member> {
  readonly #hub: PubSub<M>;

  constructor(hub: PubSub<M>) {
    this.#hub = hub;
  }

  /** Adds a peer of a user. */
  join(user: string, member: M): void {
    this.#hub.subscribe(USER_NAMESPACE, topicOf(user), member);
  }

  /** Removes a peer of a user. */
  leave(user: string, member: M): void {
    this.#hub.unsubscribe(USER_NAMESPACE, topicOf(user), member);
  }

  /** Moves a peer of a user out of the broadcast domain `from`, see `PubSub.changeDomain`. */
  changeDomain(user: string, member: M, from: BroadcastDomain | undefined): void {
    this.#hub.changeDomain(USER_NAMESPACE, [topicOf(user)], member, from);
  }

  /** Returns the peers of a user on this node, as a live view. */
  peersOf(user: string): Subscribers<M> {
    return this.#hub.subscribers(topicOf(user), USER_NAMESPACE);
  }

  /** Sends a frame to all peers of a user. Returns how many of this node accepted the frame. */
  send(
    user: string,
    frame: OutgoingFrame,
    options: Omit<HubPublishOptions<M>, "namespace" | "except">,
  ): number {
    return this.#hub.publish(topicOf(user), frame, { ...options, namespace: USER_NAMESPACE });
  }
}

function topicOf(user: string): string {
  return `onepeer:user:${user}`;
}

/**
 * Checks a namespace that a caller names.
 *
 * @throws {TypeError} for a value that is not a string, and for {@linkcode USER_NAMESPACE}.
 */
export function checkNamespace(namespace: unknown): string {
  if (namespace !== USER_NAMESPACE) return checkTopic(namespace, "the namespace");
  throw new TypeError(`Cannot use the namespace ${USER_NAMESPACE} as the users of upgrade have it`);
}
