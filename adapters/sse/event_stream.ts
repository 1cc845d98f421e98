/** Who feeds a line. */
export interface EventStreamSource {
  /** The server reads, and has all that was written before. */
  onread(line: EventStream): void;
  /** The client has left. */
  onleave(line: EventStream): void;
}

/** Sizes are given in these, and one more: workerd 2026-11 holds back a chunk of size 0 for ever. */
const UNIT = 1024;

/** One response of `text/event-stream`: a line down to a client, for as long as it holds. */
export class EventStream {
  /** The body of the response. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Whether it ends once something was sent. */
  readonly isPoll: boolean;
  /** Whether there was anything to send. */
  hasSent = false;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #isHungry = false;
  #isOver = false;
  /** What the chunk that is being queued counts. */
  #size = 0;

  constructor(source: EventStreamSource, isPoll: boolean) {
    this.isPoll = isPoll;
    this.body = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => {
        if (this.#isOver || this.bufferedAmount > 0) return;
        this.#isHungry = true;
        source.onread(this);
      },
      cancel: () => {
        if (this.#isOver) return;
        this.#isOver = true;
        this.#isHungry = false;
        source.onleave(this);
      },
      // Nothing is queued here but what the server has asked for.
    }, { highWaterMark: 0, size: () => this.#size });
  }

  /** Whether the server waits for something to be written. */
  get isHungry(): boolean {
    return this.#isHungry;
  }

  /** What of the chunks written the server has not read. */
  get bufferedAmount(): number {
    return Math.floor(-(this.#controller.desiredSize ?? 0) / UNIT);
  }

  /** Writes a chunk, which counts so much. */
  write(chunk: Uint8Array<ArrayBuffer>, size: number): void {
    if (this.#isOver) return;
    this.#isHungry = false;
    this.#size = size * UNIT + 1;
    this.#controller.enqueue(chunk);
  }

  /** Ends the response behind what was written. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isHungry = false;
    this.#controller.close();
  }
}
