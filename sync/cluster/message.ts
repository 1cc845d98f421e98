import type { Position } from "../../pubsub/history/position.ts";

/**
 * A message between a worker and the primary process, over the IPC channel.
 *
 * ```text
 * from a worker                            from the primary
 * hello        bytes, at                   primary   (to all nodes) this process relays now
 * subscribe    ask, channels               welcome   bytes
 * unsubscribe  channels                    done      ask
 * publish      batch, at                   frames    batch
 * ping         at                          pong
 * reset        forget all channels         late      frames: number that came late, and is dropped
 * bye                                      gap       frames for this node were dropped
 * append       call, keep, batch, at       kept      call, position; no position: refused
 * read         call, keep, position        page      call, position, batch
 * ```
 *
 * `append` and `read` belong to the history of one channel, and `position` is its epoch and an offset.
 * `keep` is the channel, the time to live, the most frames, and perhaps a key. Their batches are lists
 * of frames. The relay sends what was added within the message `frames`, as `added`: a list of
 * channel, epoch, offset of the first frame, and list of frames.
 *
 * `at` is the worker's `performance.now()`. The primary compares the times of one worker with each
 * other, as the clocks of two processes begin at different times.
 *
 * `bytes` is a `Uint8Array`, which arrives as such only with the serialization `"advanced"`. A
 * batch is a list of channels, each followed by its frame. A frame is bytes if these arrive as
 * such, else base64.
 */
export interface IpcMessage {
  /** Kind of the message. Tells the messages of this driver from those of the application. */
  readonly onepeer: string;
  /** Id of the node that sends the message, or gets the message. */
  readonly node: string;
  readonly cluster?: unknown;
  readonly channels?: unknown;
  readonly ask?: unknown;
  readonly batch?: unknown;
  readonly at?: unknown;
  readonly frames?: unknown;
  readonly bytes?: unknown;
  readonly call?: unknown;
  readonly keep?: unknown;
  readonly position?: unknown;
  readonly added?: unknown;
}

/** A frame on its way through the IPC channel. */
export type IpcFrame = string | Uint8Array;

/** Whether a message belongs to this driver. */
export function isIpcMessage(message: unknown): message is IpcMessage {
  if (typeof message !== "object" || message === null) return false;
  const { onepeer, node } = message as Partial<IpcMessage>;
  return typeof onepeer === "string" && typeof node === "string";
}

/** Returns a value as a list of names; an empty list if the value is anything else. */
export function namesOf(value: unknown): readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string") ? value : [];
}

/** Returns the channels and frames of a batch. Leaves out what is neither. */
export function framesOf(batch: unknown): readonly (readonly [channel: string, frame: IpcFrame])[] {
  const found: [string, IpcFrame][] = [];
  if (!Array.isArray(batch)) return found;
  for (let i = 0; i + 1 < batch.length; i += 2) {
    const [channel, frame] = [batch[i] as unknown, batch[i + 1] as unknown];
    const isFrame = typeof frame === "string" || frame instanceof Uint8Array;
    if (typeof channel === "string" && isFrame) found.push([channel, frame]);
  }
  return found;
}

/** Returns the frames of a list. Leaves out what is none. */
export function listOf(batch: unknown): readonly IpcFrame[] {
  if (!Array.isArray(batch)) return [];
  return batch.filter((frame) => typeof frame === "string" || frame instanceof Uint8Array);
}

/** Frames that were added to the history of a channel. */
export interface Added {
  readonly channel: string;
  readonly first: Position;
  readonly frames: readonly IpcFrame[];
}

/** Returns the content of `added`. Leaves out what is malformed. */
export function addedOf(value: unknown): readonly Added[] {
  const found: Added[] = [];
  if (!Array.isArray(value)) return found;
  for (let i = 0; i + 3 < value.length; i += 4) {
    const [channel, epoch, offset, batch] = value.slice(i, i + 4) as unknown[];
    const first = positionOf([epoch, offset]);
    if (typeof channel === "string" && first) found.push({ channel, first, frames: listOf(batch) });
  }
  return found;
}

/** Returns a value as a position; `undefined` if the value is anything else. */
export function positionOf(value: unknown): Position | undefined {
  if (!Array.isArray(value)) return undefined;
  const [epoch, offset] = value as unknown[];
  return isNatural(epoch) && isNatural(offset) ? { epoch, offset } : undefined;
}

/** Returns a position as the IPC channel carries it. */
export function packedPosition({ epoch, offset }: Position): readonly [number, number] {
  return [epoch, offset];
}

/** What a call says about the history of a channel. */
export interface Keep {
  readonly channel: string;
  readonly ttl: number;
  /** Most frames to keep, or to read. */
  readonly size: number;
  readonly key?: string | undefined;
}

/** Returns `keep` of a message; `undefined` if the value is anything else. */
export function keepOf(value: unknown): Keep | undefined {
  if (!Array.isArray(value)) return undefined;
  const [channel, ttl, size, key] = value as unknown[];
  if (typeof channel !== "string" || typeof ttl !== "number" || !isNatural(size)) return undefined;
  return { channel, ttl, size, key: typeof key === "string" ? key : undefined };
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}

interface NodeBuffer {
  from(bytes: ArrayBufferLike, offset: number, length: number): Encodable;
  from(text: string, encoding: "base64"): Uint8Array;
}
interface Encodable {
  toString(encoding: "base64"): string;
}

// The processes of a cluster run on Node, Deno or Bun, which all have `Buffer`. Node 20 lacks
// `Uint8Array.fromBase64`.
const { Buffer } = globalThis as unknown as { readonly Buffer: NodeBuffer };

/** Returns a frame as the IPC channel carries it. */
export function packed(frame: IpcFrame, takesBytes: boolean): IpcFrame {
  if (typeof frame === "string" || takesBytes) return frame;
  return Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString("base64");
}

/** Returns the bytes of a frame. */
export function unpacked(frame: IpcFrame): Uint8Array {
  return typeof frame === "string" ? Buffer.from(frame, "base64") : frame;
}
