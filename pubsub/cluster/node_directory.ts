import { Deferred } from "../../common/deferred.ts";
import type { Timers } from "../../common/timers.ts";
import type { ClusterNode } from "../remote_nodes.ts";
import type { Beat } from "./control_message.ts";

/** Milliseconds between the beats of a node. */
export const BEAT_INTERVAL = 2000;
/** Milliseconds of silence after which a node counts as dead. */
export const LEASE = 6000;
/** Milliseconds that a new node waits for the beats of the others. */
export const INTRODUCTION = 250;
/** A timer that fires so many milliseconds late shows that this process was stopped. */
const PAUSE = 1000;

/** Epoch of a node that has sent no beat yet. */
const UNKNOWN = -1;

/** Services of a {@linkcode NodeDirectory}. */
export interface NodeDirectoryHost {
  readonly timers: Timers;
  /** Sends a beat to all nodes, or to one. */
  beat(isNew: boolean, to?: string): void;
  /** A node may have members of which this node does not know. */
  appeared(node: string): void;
  /** A node has ended, or was silent for the lease. */
  gone(node: string, hasEnded: boolean): void;
}

interface KnownNode {
  readonly id: string;
  peers: number;
  losses: number;
  /** Number of the node's connection to the broker. */
  epoch: number;
  heardAt: number;
  /** Whether the node was heard since this node's own connection was made. */
  isConfirmed: boolean;
}

/**
 * The other nodes that are alive: those that were heard within the lease.
 *
 * While this node has no connection to the broker, no other node counts as dead. When the connection
 * is back, or when this process was stopped and goes on, each node gets a whole new lease. Clocks of
 * two nodes are never compared.
 */
export class NodeDirectory {
  readonly #host: NodeDirectoryHost;
  readonly #nodes = new Map<string, KnownNode>();
  #isUp = false;
  #wasUp = false;
  #introducedAt = Infinity;
  readonly #introductionOver = new Deferred();
  #cancelIntroduction: (() => void) | undefined;
  #stopBeats: (() => void) | undefined;
  #cancelCheck: (() => void) | undefined;
  #tickedAt = 0;

  constructor(host: NodeDirectoryHost) {
    this.#host = host;
  }

  /** The other nodes. */
  get nodes(): readonly ClusterNode[] {
    return [...this.#nodes.values()].map(({ id, peers }) => ({ id, peers }));
  }

  /** Ids of the other nodes. */
  get ids(): Iterable<string> {
    return this.#nodes.keys();
  }

  /** Whether all known nodes were heard over the present connection, and new ones had time to answer. */
  get isSettled(): boolean {
    return this.#isUp && this.#introduction === 0 &&
      [...this.#nodes.values()].every(({ isConfirmed }) => isConfirmed);
  }

  /** Resolves when the other nodes had time to tell a new node of themselves. */
  async introduced(): Promise<void> {
    const ms = this.#introduction, over = this.#introductionOver;
    if (ms === 0 || ms === Infinity) return;
    this.#cancelIntroduction ??= this.#host.timers.after(ms, over.resolve);
    await over.promise;
  }

  /** Milliseconds for which a new node still waits for the others. */
  get #introduction(): number {
    return Math.max(0, this.#introducedAt - this.#host.timers.time());
  }

  /** The broker is connected. */
  up(): void {
    const { timers } = this.#host, isNew = !this.#wasUp;
    this.#isUp = this.#wasUp = true;
    if (isNew) this.#introducedAt = this.#host.timers.time() + INTRODUCTION;
    for (const node of this.#nodes.values()) node.isConfirmed = false;
    this.#renewLeases();
    this.#host.beat(isNew);
    this.#stopBeats ??= timers.every(BEAT_INTERVAL, () => this.#tick(), true);
  }

  /** The connection was lost. */
  down(): void {
    this.#isUp = false;
    this.#stop();
  }

  /** A node has sent anything but a beat. */
  heard(id: string): void {
    this.#touch(id);
  }

  /** A node has sent a beat, over the given connection to the broker. */
  beat(id: string, { peers, losses, hasMembers, isNew }: Beat, epoch: number): void {
    const node = this.#touch(id), isSame = node.losses === losses && node.epoch === epoch;
    // The members of a node with an unknown epoch are unknown, too.
    const mayHaveChanged = node.epoch === UNKNOWN ? hasMembers : !isSame;
    Object.assign(node, { peers, losses, epoch });
    if (isNew) this.#host.beat(false, id);
    if (mayHaveChanged) this.#host.appeared(id);
  }

  /** A node has ended. */
  bye(id: string): void {
    if (this.#nodes.delete(id)) this.#host.gone(id, true);
  }

  /** Ends all timers. */
  close(): void {
    this.#isUp = false;
    this.#stop();
    this.#cancelIntroduction?.();
    this.#introducedAt = Infinity;
    this.#introductionOver.resolve();
    this.#nodes.clear();
  }

  #stop(): void {
    this.#stopBeats?.();
    this.#cancelCheck?.();
    this.#stopBeats = this.#cancelCheck = undefined;
  }

  #touch(id: string): KnownNode {
    let node = this.#nodes.get(id);
    if (!node) {
      node = { id, peers: 0, losses: 0, epoch: UNKNOWN, heardAt: 0, isConfirmed: true };
      this.#nodes.set(id, node);
    }
    node.heardAt = this.#host.timers.time();
    node.isConfirmed = true;
    if (this.#isUp) this.#cancelCheck ??= this.#checkLater(node.heardAt + LEASE);
    return node;
  }

  #tick(): void {
    const now = this.#host.timers.time();
    if (now - this.#tickedAt > BEAT_INTERVAL + PAUSE) this.#renewLeases();
    this.#tickedAt = now;
    this.#host.beat(false);
  }

  /** Gives each node a whole lease from now. */
  #renewLeases(): void {
    const now = this.#tickedAt = this.#host.timers.time();
    for (const node of this.#nodes.values()) node.heardAt = now;
    this.#cancelCheck?.();
    this.#cancelCheck = this.#nodes.size > 0 ? this.#checkLater(now + LEASE) : undefined;
  }

  /** Checks the leases when the first one may end. */
  #checkLater(at: number): () => void {
    const ms = Math.max(0, at - this.#host.timers.time());
    return this.#host.timers.after(ms, () => {
      this.#cancelCheck = undefined;
      const now = this.#host.timers.time();
      if (now - at > PAUSE) return this.#renewLeases(); // what was sent meanwhile still waits
      this.#expire(now);
      let next = Infinity;
      for (const { heardAt } of this.#nodes.values()) next = Math.min(next, heardAt + LEASE);
      if (next < Infinity) this.#cancelCheck = this.#checkLater(next);
    }, true);
  }

  #expire(now: number): void {
    for (const { id, heardAt } of [...this.#nodes.values()]) {
      if (now - heardAt < LEASE) continue;
      this.#nodes.delete(id);
      this.#host.gone(id, false);
    }
  }
}
