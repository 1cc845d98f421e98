/** The owner of an event stream. */
export interface EventStreamSource {
  /** Called when the runtime reads, after the runtime has read all earlier chunks. */
  onread(stream: EventStream): void;
  /** Called when the client has left. */
  onleave(stream: EventStream): void;
}

/**
 * Factor from the bytes of a chunk to its size in the stream's queue. Each size is one more than the
 * product, since workerd 2026-11 never delivers a chunk of size 0.
 */
const UNIT = 1024;

/** Body of one `text/event-stream` response, filled when the runtime reads. */
export class EventStream {
  /** The body of the response. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Whether the response ends after the first events (long polling). */
  readonly isPoll: boolean;
  /** Whether an event was sent. */
  hasSent = false;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  readonly #source: EventStreamSource;
  #isHungry = false;
  #isOver = false;
  #unwatch: (() => void) | undefined;
  /** Size of the chunk that is being queued. */
  #size = 0;

  constructor(source: EventStreamSource, isPoll: boolean) {
    this.isPoll = isPoll;
    this.#source = source;
    this.body = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => {
        if (this.#isOver || this.bufferedAmount > 0) return;
        this.#isHungry = true;
        source.onread(this);
      },
      cancel: () => {
        if (this.#stop()) source.onleave(this);
      },
      // The queue holds only chunks that the runtime has asked for.
    }, { highWaterMark: 0, size: () => this.#size });
  }

  /** Whether the runtime waits for a chunk. */
  get isHungry(): boolean {
    return this.#isHungry;
  }

  /** Size of the written chunks that the runtime has not read. */
  get bufferedAmount(): number {
    return Math.floor(-(this.#controller.desiredSize ?? 0) / UNIT);
  }

  /** Writes a chunk, which counts `size` in {@linkcode bufferedAmount}. */
  write(chunk: Uint8Array<ArrayBuffer>, size: number): void {
    if (this.#isOver) return;
    this.#isHungry = false;
    this.#size = size * UNIT + 1;
    this.#controller.enqueue(chunk);
  }

  /** Ends the response after the written chunks. */
  end(): void {
    if (this.#stop()) this.#controller.close();
  }

  /**
   * Ends the stream with its connection, which the runtime may not report. `watch` gets a function to
   * call at the end of the connection, and returns a function that stops watching.
   */
  endWith(watch: (ended: () => void) => () => void): void {
    const stop = watch(() => {
      if (this.#isOver) return;
      this.end();
      this.#source.onleave(this);
    });
    if (this.#isOver) stop();
    else this.#unwatch = stop;
  }

  /** Marks the stream as over. Returns false if it was over before. */
  #stop(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#isHungry = false;
    this.#unwatch?.();
    return true;
  }
}
