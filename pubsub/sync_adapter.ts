import type { LinkHost, NodeLink } from "./node_link.ts";

/** A message between nodes, as a {@linkcode SyncDriver} carries it. */
export interface SyncMessage {
  /** Namespace of the topic. The empty string stands for all namespaces. */
  readonly namespace: string;
  /** Topic whose subscribers get the message. */
  readonly topic: string;
  /** Text or bytes. */
  readonly data: string | Uint8Array;
}

/**
 * The simplest connection between nodes, with the methods of crossws: each message goes to every
 * other node. A driver must not deliver the node's own messages: its subscribers would get them
 * twice.
 */
export interface SyncDriver {
  /** Calls `deliver` with each message of another node from now on. */
  subscribe(deliver: (message: SyncMessage) => void): void | Promise<void>;
  /** Sends a message to all other nodes. */
  publish(message: SyncMessage): void | Promise<void>;
  /** Ends the connection. `close()` of the endpoint waits at most two seconds for the driver. */
  close?(): void | Promise<void>;
}

/** Makes the link of one node. Only the brokers of `sync/` need it: see `overBroker`. */
export interface LinkMaker {
  /** @internal */
  link(host: LinkHost): NodeLink;
}

/**
 * Value of the option `sync`. `redis()`, `nats()`, `postgres()`, `cluster()` and
 * `broadcastChannel()` return such a function.
 *
 * @param node `id` is a random name of this node.
 */
export type SyncAdapter = (node: { readonly id: string }) => LinkMaker | SyncDriver;
