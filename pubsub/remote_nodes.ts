import type { PresenceMember } from "./presence/presence_member.ts";
import type { TopicName } from "./topic_options.ts";

/** One node of a cluster. */
export interface ClusterNode {
  /** Random name of the node: 16 hexadecimal digits. A process that starts again has another one. */
  readonly id: string;
  /** Number of its peers, as the node has told at most two seconds ago. */
  readonly peers: number;
}

/** Which peers to close. */
export interface CloseRequest {
  readonly code: number;
  readonly reason: string;
  /** User whose peers are closed. Default: all peers. */
  readonly user?: string | undefined;
}

/** What the other nodes have answered. */
export interface CloseAnswers {
  /** Number of nodes that have answered. */
  readonly nodes: number;
  /** Number of peers that they have closed. */
  readonly closed: number;
  /** Ids of the nodes that have not answered in time: they may have closed their peers or not. */
  readonly missing: readonly string[];
}

/** The other nodes of a cluster, as this node knows them. */
export interface RemoteNodes {
  /** All other nodes that are alive, as far as this node knows. */
  readonly nodes: readonly ClusterNode[];
  /** Whether {@linkcode nodes} may be out of date: the broker is or was away. */
  readonly stale: boolean;
  /** The members of topics on other nodes. */
  readonly presence: RemotePresence;
  /** Closes peers of all other nodes. Never rejects. */
  closePeers(request: CloseRequest): Promise<CloseAnswers>;
}

/** Presence on other nodes. */
export interface RemotePresence {
  /** A member of this node has entered or has new data. */
  entered(name: TopicName, member: PresenceMember): void;
  /** A member of this node has left. */
  exited(name: TopicName, member: PresenceMember): void;
  /**
   * Returns the members on other nodes. Asks the other nodes first, if this node does not know them.
   *
   * `stale` tells whether the list may be out of date. Never rejects.
   */
  state(name: TopicName): Promise<RemoteMembers>;
}

/** Members of a topic on other nodes. */
export interface RemoteMembers {
  readonly members: Iterable<PresenceMember>;
  readonly stale: boolean;
}

/** Services of {@linkcode RemoteNodes}. */
export interface ClusterHost {
  /** Number of peers of this node. */
  readonly peers: number;
  /** Whether a topic has presence. */
  hasPresence(name: TopicName): boolean;
  /** Returns the members on this node. */
  membersOf(name: TopicName): readonly PresenceMember[];
  /** A member of another node has changed: see `PresenceChanges.add`. */
  presenceChanged(
    name: TopicName,
    from: PresenceMember | undefined,
    to: PresenceMember | undefined,
  ): void;
  /** Closes peers of this node. Returns their number. */
  close(request: CloseRequest): number;
}
