import { checkClose } from "../socket/close_code.ts";
import type { Peer } from "../peer.ts";
import type { PubSub } from "../pubsub/pubsub.ts";
import { newNodeId } from "../pubsub/synced_hub.ts";
import type { CloseRequest, ClusterNode, RemoteNodes } from "../pubsub/remote_nodes.ts";
import type { Users } from "../pubsub/users.ts";
import { checkUser } from "./call_options.ts";
import type { UserCloses } from "./user_closes.ts";

export type { ClusterNode } from "../pubsub/remote_nodes.ts";

/** Result of a call to all nodes: how many peers were closed, and which nodes have not answered. */
export interface Told {
  /** Number of nodes that have done what was asked, this one included. */
  readonly nodes: number;
  /** Number of peers that they have closed. */
  readonly closed: number;
  /** Ids of the nodes that have not answered within a second. They may have closed peers or not. */
  readonly missing: readonly string[];
  /**
   * Whether all nodes have answered. `false` if any is missing, and while this node may not know all
   * nodes, as the broker is or was away.
   */
  readonly complete: boolean;
}

/** @internal Services of a {@linkcode Cluster}. */
export interface ClusterParts {
  /** Id of this node; `undefined` without other nodes. */
  readonly id: string | undefined;
  readonly hub: PubSub<Peer>;
  readonly users: Users<Peer>;
  readonly userCloses: UserCloses;
  /** The other nodes; `undefined` without a broker. */
  readonly remote: RemoteNodes | undefined;
}

/**
 * All nodes of an endpoint with the option `sync`, this one included. Without the option, the only
 * node is the endpoint itself.
 *
 * @example
 * ```ts
 * import { createEndpoint } from "@onepeer/onepeer";
 *
 * const endpoint = createEndpoint();
 * console.log(endpoint.cluster.nodes.length, endpoint.cluster.peers); // 1 0
 * const { closed, complete } = await endpoint.cluster.disconnect("alice", 1008, "account closed");
 * console.log(closed, complete); // 0 true
 * ```
 */
export class Cluster {
  readonly #parts: ClusterParts;
  #id: string | undefined;

  /** @internal Called by the endpoint. */
  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.#id = parts.id;
  }

  /** The nodes that are alive, this one first. A node that was killed stays for up to six seconds. */
  get nodes(): readonly ClusterNode[] {
    const { hub, remote } = this.#parts;
    // Not earlier: in workerd, the global scope of a Worker gives no random values.
    const id = this.#id ??= newNodeId();
    return [{ id, peers: hub.memberCount }, ...remote?.nodes ?? []];
  }

  /** Number of peers of all nodes. Those of the others are as they have told, every two seconds. */
  get peers(): number {
    return this.nodes.reduce((sum, { peers }) => sum + peers, 0);
  }

  /** Whether {@linkcode nodes} may be out of date or incomplete, as the broker is or was away. */
  get stale(): boolean {
    return this.#parts.remote?.stale ?? false;
  }

  /**
   * Closes every peer on every node. New clients can still connect. Never rejects: the result tells
   * which nodes have not answered.
   *
   * @throws {RangeError} for a code or reason that RFC 6455 does not allow in a close frame.
   */
  closeAll(code = 1000, reason = ""): Promise<Told> {
    checkClose(code, reason);
    return this.#close({ code, reason });
  }

  /**
   * Closes every peer of a user on every node: peers whose `upgrade` hook has returned this `user`.
   * Never rejects: the result tells which nodes have not answered. A peer whose connection has not
   * opened yet is closed when it opens, and is not counted.
   *
   * The user can connect again. To prevent this, refuse the user in `upgrade` first.
   *
   * @param code default: 1008, policy violation.
   * @throws {TypeError} for a user that is no string, or the empty string.
   * @throws {RangeError} for a code or reason that RFC 6455 does not allow in a close frame.
   */
  disconnect(user: string, code = 1008, reason = ""): Promise<Told> {
    checkUser(user);
    checkClose(code, reason);
    return this.#close({ user, code, reason });
  }

  async #close(request: CloseRequest): Promise<Told> {
    const { remote } = this.#parts;
    const closed = closePeers(this.#parts, request), told = await remote?.closePeers(request);
    if (!told) return { nodes: 1, closed, missing: [], complete: true };
    const { nodes, missing } = told, complete = missing.length === 0 && !this.stale;
    return { nodes: nodes + 1, closed: closed + told.closed, missing, complete };
  }
}

/** @internal Closes the open peers of this node, or those of one user. Returns their number. */
export function closePeers(
  { hub, users, userCloses }: Pick<ClusterParts, "hub" | "users" | "userCloses">,
  { user, code, reason }: CloseRequest,
): number {
  if (user !== undefined) userCloses.add(user, { code, reason });
  const peers = user === undefined
    ? [...hub.namespaces.values()].flatMap((peers) => [...peers])
    : [...users.peersOf(user)];
  const open = peers.filter((peer) => peer.isOpen);
  for (const peer of open) peer.close(code, reason);
  return open.length;
}
