import { type EventBody, HEARTBEAT } from "./server_sent_event.ts";

/** Who hears of a line. */
export interface EventStreamListener {
  /** The server reads, and nothing is queued. */
  onread(line: EventStream): void;
  /** The client has left. */
  onleave(line: EventStream): void;
}

/** Where a copy of the bytes costs more than one more chunk. */
const MAX_COPY = 16_384;

/** One response of `text/event-stream`: a line down to a client, for as long as it holds. */
export class EventStream {
  /** The body of the response. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Whether it ends once something was sent. */
  readonly isPoll: boolean;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #isEnded = false;
  #isGone = false;
  /** What the chunk that is being queued counts. */
  #size = 0;

  constructor(listener: EventStreamListener, isPoll: boolean) {
    this.isPoll = isPoll;
    this.body = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => {
        if (!this.#isEnded) listener.onread(this);
      },
      cancel: () => {
        if (this.#isGone) return;
        this.#isEnded = this.#isGone = true;
        listener.onleave(this);
      },
    }, { highWaterMark: 0, size: () => this.#size });
  }

  /** What of it the server has not read. */
  get bufferedAmount(): number {
    return -(this.#controller.desiredSize ?? 0);
  }

  /** Queues an event. */
  write(id: Uint8Array<ArrayBuffer>, { bytes, size }: EventBody): void {
    if (this.#isEnded) return;
    this.#size = 0;
    if (bytes.byteLength > MAX_COPY) {
      this.#controller.enqueue(id);
      this.#size = size;
      return this.#controller.enqueue(bytes);
    }
    const event = new Uint8Array(id.byteLength + bytes.byteLength);
    event.set(id);
    event.set(bytes, id.byteLength);
    this.#size = size;
    this.#controller.enqueue(event);
  }

  /** Lets the client and what is between know that the line holds. */
  beat(): void {
    if (this.#isEnded) return;
    this.#size = 0;
    this.#controller.enqueue(HEARTBEAT.bytes);
  }

  /** Ends the response behind what is queued. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#controller.close();
  }

  /** Breaks the response off, with what is queued. */
  drop(): void {
    if (this.#isGone) return;
    this.#isEnded = this.#isGone = true;
    this.#controller.error(new Error("The connection was terminated"));
  }
}
