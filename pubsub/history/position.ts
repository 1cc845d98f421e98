/** Place of a message in the history of its topic. */
export interface Position {
  /** Random number of the history. A history that was lost, or has ended, begins again with another. */
  readonly epoch: number;
  /** Number of the message in its history, from 1 on; 0 stands before the first message. */
  readonly offset: number;
}

/** Radix of the epoch in a text. */
const RADIX = 36;
const FORM = /^([0-9a-z]{1,11})\.(0|[1-9]\d{0,14})$/;

/** Returns a position as users see it, such as `"1jx5z9q3.42"`. */
export function formatPosition({ epoch, offset }: Position): string {
  return `${epoch.toString(RADIX)}.${offset}`;
}

/** Reads a position. Returns `undefined` for text that {@linkcode formatPosition} does not return. */
export function parsePosition(text: string): Position | undefined {
  const [, epoch = "", offset] = FORM.exec(text) ?? [];
  const position = { epoch: parseInt(epoch, RADIX), offset: Number(offset) };
  // The text may come from a client, and several texts must not stand for one position.
  return formatPosition(position) === text ? position : undefined;
}

/** Returns a random epoch, in 53 bits. */
export function randomEpoch(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number];
  return (high >>> 11) * 2 ** 32 + low;
}
