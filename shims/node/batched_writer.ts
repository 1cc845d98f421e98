import process from "node:process";
import type { Duplex } from "node:stream";
import type { OutgoingFrame } from "../../socket/socket.ts";
import { FrameBatch } from "./frame_batch.ts";

/** Most bytes that are gathered for one write. A larger frame is written at once, as copying would cost more. */
const MAX_GATHERED = 32 * 1024;

/** The owner of a writer. */
export interface Sender {
  /** Called when all sent frames have been written. */
  drained(): void;
}

/** Writes that are postponed to the end of the current turn of the event loop. */
class Turn {
  /** Empty batch from which all writers start, so that writers of the same frames share batches. */
  start: FrameBatch = new FrameBatch();
  /** Writer of the connection whose chunk is being read. This writer writes at the chunk's end. */
  reading: BatchedWriter<Sender> | undefined;
  #waiting: BatchedWriter<Sender>[] = [];
  /** Writers whose turn is ending right now. */
  #ending: readonly BatchedWriter<Sender>[] = [];
  #observesExit = false;

  /** Lets frames leave that are still gathered when `process.exit()` is called. */
  observeExit(): void {
    if (this.#observesExit) return;
    this.#observesExit = true;
    process.once("exit", () => {
      this.reading?.flush();
      for (const writer of this.#ending) writer.flush();
      for (const writer of this.#waiting) writer.flush();
    });
  }

  /** Calls `endTurn()` of a writer at the end of the turn. */
  await(writer: BatchedWriter<Sender>): void {
    if (this.#waiting.push(writer) === 1) setImmediate(() => this.#end());
  }

  #end(): void {
    const ending = this.#ending = this.#waiting;
    this.#waiting = [];
    this.start = new FrameBatch();
    for (const writer of ending) writer.endTurn();
    this.#ending = [];
  }
}

const turn = new Turn();

/**
 * Writes frames to a stream of Node once per turn of the event loop, since the system call is most of
 * the cost of a message. Frames that are sent while a chunk of the client is read leave at the end of
 * the chunk. All other frames leave at the end of the turn. The order of the calls is kept.
 */
export class BatchedWriter<Socket extends Sender> {
  readonly stream: Duplex;
  /** Socket that the stream belongs to. */
  readonly socket: Socket;
  #batch: FrameBatch | undefined;
  #isWaiting = false;

  constructor(stream: Duplex, socket: Socket) {
    this.stream = stream;
    this.socket = socket;
    turn.observeExit();
  }

  /** Bytes that are not yet handed to the stream. */
  get gathered(): number {
    return this.#batch ? this.#batch.byteLength : 0;
  }

  /** Adds one frame. `deflated` is its compressed form, if there is one. */
  write(frame: OutgoingFrame, deflated?: Uint8Array): void {
    let batch = (this.#batch ?? turn.start).with(frame, deflated);
    if (batch.byteLength > MAX_GATHERED && this.#batch) {
      this.flush();
      batch = turn.start.with(frame, deflated);
    }
    this.#batch = batch;
    const isLarge = batch.byteLength > MAX_GATHERED;
    if (isLarge) this.flush();
    if (this.#isWaiting || (turn.reading === this && !isLarge)) return;
    this.#isWaiting = true;
    turn.await(this);
  }

  /** Hands all gathered frames to the stream. Required before any other write to the stream. */
  flush(): void {
    const batch = this.#batch;
    if (!batch) return;
    this.#batch = undefined;
    if (this.stream.writable) this.stream.write(batch.bytes);
  }

  /** Gathers frames until {@linkcode endReading}. Call before a chunk of the client is read. */
  startReading(): void {
    turn.reading = this;
  }

  /** Flushes. Call after a chunk of the client was read. */
  endReading(): void {
    turn.reading = undefined;
    if (this.#batch) this.#flushAndReport();
  }

  /** Flushes at the end of the turn. */
  endTurn(): void {
    this.#isWaiting = false;
    this.#flushAndReport();
  }

  #flushAndReport(): void {
    this.flush();
    if (this.stream.writableLength === 0) this.socket.drained();
  }
}
