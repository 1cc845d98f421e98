import { Buffer } from "node:buffer";

/** Number of small parts that are joined to one, and the bytes from which a part is not small. */
const MANY = 1024, SMALL = 1024;

/** Members of the `Receiver` of `ws` that {@linkcode receiveChunk} uses. */
export interface Receiver {
  readonly _errored?: boolean;
  /** Chunks of a frame that is not complete. */
  readonly _buffers?: Buffer[];
  /** Fragments of a message that is not complete. */
  readonly _fragments?: Buffer[];
  _write(chunk: unknown, encoding: string, done: () => void): void;
}

/**
 * Replaces the method `_write()` of a `Receiver`.
 *
 * Skips chunks after an error. `ws` 8.23 goes on with chunks that waited for an inflation, starts in
 * the middle of a frame, and throws an error that no code can catch.
 *
 * Joins small parts, so that only `maxPayload` limits a message. By default, `ws` refuses a message of
 * more than 16,384 fragments or 262,144 chunks, as each of them takes memory of its own.
 */
export function receiveChunk(
  this: Receiver,
  ...[chunk, encoding, done]: Parameters<Receiver["_write"]>
): void {
  if (this._errored) return done();
  joinSmall(this._buffers);
  (Object.getPrototypeOf(this) as Receiver)._write.call(this, chunk, encoding, done);
  joinSmall(this._fragments);
}

/** Joins the small parts at the end of a list if there are many. */
function joinSmall(parts: Buffer[] = []): void {
  if (parts.length < MANY) return;
  let start = parts.length;
  while (start > 0 && parts[start - 1]!.byteLength < SMALL) start--;
  if (parts.length - start >= MANY) parts.push(Buffer.concat(parts.splice(start)));
}
