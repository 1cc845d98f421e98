import { afterEvents } from "./after_events.ts";
import {
  framesOf,
  type IpcFrame,
  type IpcMessage,
  isIpcMessage,
  namesOf,
  packed,
} from "./message.ts";

/** A worker process, as the primary sees it. */
export interface ClusterWorker {
  readonly id: number;
  /** Calls back when the message is written. */
  send(message: object, callback: (error: Error | null) => void): boolean;
}

/**
 * Characters or bytes of channels and frames that wait for one node, at which further frames are
 * dropped. One frame may exceed the limit: else a large one would pass only if no other one waits.
 */
const MAX_UNSENT = 16 * 1024 * 1024;

/** Longest milliseconds on the way to this process. Later frames are dropped. */
const MAX_DELAY = 2000;

/** A node of a worker. */
interface RelayNode {
  readonly worker: ClusterWorker;
  readonly id: string;
  readonly cluster: string;
  readonly takesBytes: boolean;
  readonly channels: Set<string>;
  /** Channels and frames that leave at the end of this turn. */
  pending: IpcFrame[];
  /** Length of all channels and frames that are pending, or not yet written. */
  unsent: number;
  hasMissed: boolean;
  /** Shortest time on the way to this process, plus the difference of the clocks. */
  leastDelay: number;
}

/**
 * The primary's part: holds the channels of each node, and hands a frame only to the nodes that want
 * its channel.
 */
export class Relay {
  readonly #nodes = new Map<string, RelayNode>();
  readonly #listeners = new Map<string, Set<RelayNode>>();
  /** Nodes with pending frames. */
  #due: RelayNode[] = [];

  /** Number of nodes that are known. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Tells workers that were started earlier that this process relays from now on. */
  announce(workers: Iterable<ClusterWorker | undefined>): void {
    for (const worker of workers) if (worker) send(worker, { onepeer: "primary", node: "" });
  }

  /** Takes a message of a worker. Ignores those of the application. */
  received(worker: ClusterWorker, message: unknown): void {
    if (!isIpcMessage(message)) return;
    const key = `${worker.id} ${message.node}`;
    if (message.onepeer === "hello") this.#welcome(key, worker, message);
    const node = this.#nodes.get(key);
    if (!node) return;
    const { ask, channels, batch } = message, isLate = this.#isLate(node, message.at);
    switch (message.onepeer) {
      case "subscribe":
        this.#subscribe(node, namesOf(channels));
        return send(worker, { onepeer: "done", node: node.id, ask });
      case "unsubscribe":
        return this.#unsubscribe(node, namesOf(channels));
      case "publish":
        if (!isLate) return this.#publish(node, batch);
        return send(worker, { onepeer: "late", node: node.id, frames: framesOf(batch).length });
      case "ping":
        return send(worker, { onepeer: "pong", node: node.id });
      case "reset":
        return this.#unsubscribe(node, node.channels);
      case "bye":
        return this.#forget(key, node);
    }
  }

  /** Forgets all nodes of a worker that has ended. */
  forget(worker: ClusterWorker): void {
    for (const [key, node] of this.#nodes) {
      if (node.worker.id === worker.id) this.#forget(key, node);
    }
  }

  #welcome(key: string, worker: ClusterWorker, { node: id, cluster, bytes }: IpcMessage): void {
    if (typeof cluster !== "string") return;
    if (!this.#nodes.has(key)) {
      this.#nodes.set(key, {
        worker,
        id,
        cluster,
        takesBytes: bytes instanceof Uint8Array,
        channels: new Set(),
        pending: [],
        unsent: 0,
        hasMissed: false,
        leastDelay: Infinity,
      });
    }
    send(worker, { onepeer: "welcome", node: id, bytes: Uint8Array.of(1) });
  }

  /** Whether a message has waited for this process, which was busy or stopped. */
  #isLate(node: RelayNode, at: unknown): boolean {
    if (typeof at !== "number" || !Number.isFinite(at)) return false;
    const delay = performance.now() - at;
    node.leastDelay = Math.min(node.leastDelay, delay);
    return delay - node.leastDelay > MAX_DELAY;
  }

  #subscribe(node: RelayNode, channels: readonly string[]): void {
    for (const channel of channels) {
      node.channels.add(channel);
      const key = keyOf(node, channel);
      const listeners = this.#listeners.get(key);
      if (listeners) listeners.add(node);
      else this.#listeners.set(key, new Set([node]));
    }
  }

  #unsubscribe(node: RelayNode, channels: Iterable<string>): void {
    for (const channel of channels) {
      node.channels.delete(channel);
      const key = keyOf(node, channel), listeners = this.#listeners.get(key);
      if (listeners?.delete(node) && listeners.size === 0) this.#listeners.delete(key);
    }
  }

  #forget(key: string, node: RelayNode): void {
    this.#unsubscribe(node, node.channels);
    this.#nodes.delete(key);
  }

  #publish(publisher: RelayNode, batch: unknown): void {
    for (const [channel, frame] of framesOf(batch)) {
      for (const node of this.#listeners.get(keyOf(publisher, channel)) ?? []) {
        if (node !== publisher) this.#add(node, channel, frame);
      }
    }
  }

  /** Adds a frame to the next message for a node: few messages cost far less than many. */
  #add(node: RelayNode, channel: string, frame: IpcFrame): void {
    if (node.unsent >= MAX_UNSENT) {
      node.hasMissed = true;
      return;
    }
    if (node.pending.length === 0 && this.#due.push(node) === 1) {
      afterEvents(() => this.#flush());
    }
    const packedFrame = packed(frame, node.takesBytes); // base64 is longer than bytes
    node.pending.push(channel, packedFrame);
    node.unsent += channel.length + packedFrame.length;
  }

  #flush(): void {
    const due = this.#due;
    this.#due = [];
    for (const node of due) {
      const batch = node.pending, length = lengthOf(batch);
      node.pending = [];
      send(node.worker, { onepeer: "frames", node: node.id, batch }, () => {
        node.unsent -= length;
        if (node.unsent > 0 || !node.hasMissed) return;
        node.hasMissed = false;
        send(node.worker, { onepeer: "gap", node: node.id });
      });
    }
  }
}

function keyOf({ cluster }: RelayNode, channel: string): string {
  return `${channel} ${cluster}`; // a channel has no space
}

function lengthOf(batch: readonly IpcFrame[]): number {
  return batch.reduce((sum, { length }) => sum + length, 0);
}

/** Sends a message. Ignores the error of a worker that has ended, as its `exit` event follows. */
function send(worker: ClusterWorker, message: IpcMessage, written: () => void = () => {}): void {
  try {
    worker.send(message, written);
  } catch {
    written();
  }
}
