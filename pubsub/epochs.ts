import { isOlder, type Sender } from "./sync_frame.ts";

/**
 * Milliseconds after which an epoch no longer makes older ones count as late. So a forged epoch does
 * not silence its node for ever.
 */
const MAX_AGE = 10 * 60 * 1000;
/** Most nodes whose epochs are known. Beyond, the epoch that is known for longest is forgotten. */
const MAX_NODES = 4096;

/** An epoch, and the time at which this node has heard the epoch first. */
interface Known {
  readonly epoch: number;
  readonly since: number;
}

/**
 * The newest epochs of other nodes. A node begins a new epoch at each connection to its broker. What
 * a lost connection still carries may arrive seconds later, out of order: its epoch tells.
 *
 * Before the first frame of the new epoch, late frames are accepted: they are in order, and nothing
 * tells that they are late. A time in the frames would not help, as the clocks of nodes differ.
 */
export class Epochs {
  readonly #known = new Map<bigint, Known>();

  /** Number of nodes whose epochs are known. */
  get size(): number {
    return this.#known.size;
  }

  /** Whether a frame does not come late, as far as this node can know. */
  accepts({ node, epoch }: Sender): boolean {
    const known = this.#known.get(node);
    // Most nodes never lose their connection: they need no entry.
    if (epoch === (known?.epoch ?? 0)) return true;
    const now = performance.now();
    if (known && isOlder(epoch, known.epoch) && now - known.since < MAX_AGE) return false;
    this.#known.delete(node); // a new entry is the last one
    if (this.#known.size >= MAX_NODES) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(node, { epoch, since: now });
    return true;
  }
}
