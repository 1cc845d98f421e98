import type { Position } from "../../pubsub/history/position.ts";
import { isControlFrame } from "../../pubsub/sync_frame.ts";
import { MemoryHistory } from "../memory_history.ts";
import { afterEvents } from "./after_events.ts";
import {
  framesOf,
  type IpcFrame,
  type IpcMessage,
  isIpcMessage,
  keepOf,
  listOf,
  namesOf,
  packed,
  packedPosition,
  positionOf,
  unpacked,
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
  /** Frames that were added to histories, and leave with the pending ones: see `added`. */
  added: unknown[];
  /** Length of all channels and frames that are pending, or not yet written. */
  unsent: number;
  /** The part of `unsent` that has left, and is not yet written. */
  leaving: number;
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
  readonly #history = new MemoryHistory<IpcFrame>();
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
        return send(worker, { onepeer: "late", node: node.id, frames: countOf(batch) });
      case "append":
        return this.#append(node, message, isLate);
      case "read":
        return this.#read(node, message);
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
        added: [],
        unsent: 0,
        leaving: 0,
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

  /** Adds frames to a history. A late call adds nothing: its node has given up. */
  #append(node: RelayNode, { call, keep, batch }: IpcMessage, isLate: boolean): void {
    const options = keepOf(keep), frames = listOf(batch);
    if (!options || isLate) return send(node.worker, { onepeer: "kept", node: node.id, call });
    const { channel } = options, key = keyOf(node, channel);
    const { first, isNew } = this.#history.append(key, frames, options);
    if (isNew) {
      for (const listener of this.#listeners.get(key) ?? []) {
        this.#addKept(listener, channel, first, frames);
      }
    }
    const position = packedPosition(first);
    send(node.worker, { onepeer: "kept", node: node.id, call, position });
  }

  #read(node: RelayNode, { call, keep, position }: IpcMessage): void {
    const options = keepOf(keep);
    if (!options) return;
    const { channel, ttl, size: limit } = options, key = keyOf(node, channel);
    const { top, frames } = this.#history.read(key, positionOf(position), { limit, ttl });
    const batch = frames.map((frame) => packed(frame, node.takesBytes));
    const page = { onepeer: "page", node: node.id, call, position: packedPosition(top), batch };
    send(node.worker, page);
  }

  /** Adds a frame to the next message for a node: few messages cost far less than many. */
  #add(node: RelayNode, channel: string, frame: IpcFrame): void {
    if (!this.#takesMore(node)) return;
    const packedFrame = packed(frame, node.takesBytes); // base64 is longer than bytes
    node.pending.push(channel, packedFrame);
    node.unsent += channel.length + packedFrame.length;
  }

  #addKept(
    node: RelayNode,
    channel: string,
    { epoch, offset }: Position,
    frames: readonly IpcFrame[],
  ): void {
    if (!this.#takesMore(node)) return;
    const packedFrames = frames.map((frame) => packed(frame, node.takesBytes));
    node.added.push(channel, epoch, offset, packedFrames);
    node.unsent += channel.length + lengthOf(packedFrames);
  }

  /** Whether there is room for more frames. If so, the node gets a message at the end of the turn. */
  #takesMore(node: RelayNode): boolean {
    if (node.unsent >= MAX_UNSENT) {
      node.hasMissed = true;
      return false;
    }
    const isDue = node.pending.length > 0 || node.added.length > 0;
    if (!isDue && this.#due.push(node) === 1) afterEvents(() => this.#flush());
    return true;
  }

  #flush(): void {
    const due = this.#due;
    this.#due = [];
    for (const node of due) {
      const { pending: batch, added } = node, length = node.unsent - node.leaving;
      node.pending = [];
      node.added = [];
      node.leaving += length;
      const message = {
        onepeer: "frames",
        node: node.id,
        batch,
        ...(added.length > 0 && { added }),
      };
      send(node.worker, message, () => {
        node.leaving -= length;
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

/** Number of the frames that count as dropped messages: those for clients. */
function countOf(batch: unknown): number {
  return framesOf(batch).filter(([, frame]) => !isControlFrame(unpacked(frame))).length;
}
