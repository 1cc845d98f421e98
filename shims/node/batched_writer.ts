import type { Duplex } from "node:stream";
import type { OutgoingFrame } from "../../socket/socket.ts";
import { FrameBatch } from "./frame_batch.ts";

/** More than this is not gathered but written at once, a large frame by itself: its bytes are what it costs. */
const MAX_GATHERED = 32 * 1024;

/** Hears that all that was sent to it has been written. */
export interface Sender {
  drained(): void;
}

/** What is put off to the end of this turn of the event loop. */
class Turn {
  /** Where the runs of all lines begin, so that lines which are sent the same share them. */
  start: FrameBatch = new FrameBatch();
  /** Whose chunk is being read: it is written to at the end of the chunk. */
  reading: object | undefined;
  #waiting: BatchedWriter<Sender>[] = [];

  /** Has a line written to at the end of the turn. */
  await(line: BatchedWriter<Sender>): void {
    if (this.#waiting.push(line) === 1) setImmediate(() => this.#end());
  }

  #end(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.start = new FrameBatch();
    for (const line of waiting) line.endTurn();
  }
}

const turn = new Turn();

/**
 * A line of Node with frames on it, written to once per turn of the event loop: the system call is
 * most of what a message costs. What is sent while a chunk of the client's is read leaves at the end
 * of that chunk, anything else at the end of the turn, all in the order of the calls.
 */
export class BatchedWriter<Socket extends Sender> {
  readonly stream: Duplex;
  /** The socket whose line it is. */
  readonly socket: Socket;
  #run: FrameBatch | undefined;
  #isWaiting = false;

  constructor(stream: Duplex, socket: Socket) {
    this.stream = stream;
    this.socket = socket;
  }

  /** Bytes that are not yet given to the stream. */
  get gathered(): number {
    return this.#run ? this.#run.byteLength : 0;
  }

  /** Takes one frame, or what stands for it on the wire. */
  write(frame: OutgoingFrame, deflated?: Uint8Array): void {
    let run = (this.#run ?? turn.start).with(frame, deflated);
    if (run.byteLength > MAX_GATHERED && this.#run) {
      this.flush();
      run = turn.start.with(frame, deflated);
    }
    this.#run = run;
    const isLarge = run.byteLength > MAX_GATHERED;
    if (isLarge) this.flush();
    if (this.#isWaiting || (turn.reading === this && !isLarge)) return;
    this.#isWaiting = true;
    turn.await(this);
  }

  /** Gives to the stream what there is. Whatever else goes there must do this first. */
  flush(): void {
    const run = this.#run;
    if (!run) return;
    this.#run = undefined;
    if (this.stream.writable) this.stream.write(run.bytes);
  }

  /** A chunk has come from the client. */
  startReading(): void {
    turn.reading = this;
  }

  /** The chunk has been read. */
  endReading(): void {
    turn.reading = undefined;
    if (this.#run) this.#flushAndTell();
  }

  /** The turn is over. */
  endTurn(): void {
    this.#isWaiting = false;
    this.#flushAndTell();
  }

  #flushAndTell(): void {
    this.flush();
    if (this.stream.writableLength === 0) this.socket.drained();
  }
}
