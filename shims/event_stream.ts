import { type EventBody, HEARTBEAT } from "./server_sent_event.ts";

/** Who hears of a line. */
export interface EventStreamListener {
  /** The server reads, and nothing is queued. */
  onread(line: EventStream): void;
  /** The client has left. */
  onleave(line: EventStream): void;
}

const BY_BYTES: QueuingStrategy<EventBody> = {
  highWaterMark: 0,
  size: (chunk) => chunk.byteLength,
};
/** Where a copy of the bytes costs more than one more chunk. */
const MAX_COPY = 16_384;

/** One response of `text/event-stream`: a line down to a client, for as long as it holds. */
export class EventStream {
  /** The body of the response. */
  readonly body: ReadableStream<EventBody>;
  /** Whether it ends once something was sent. */
  readonly isPoll: boolean;
  #controller!: ReadableStreamDefaultController<EventBody>;
  #isOver = false;

  constructor(listener: EventStreamListener, isPoll: boolean) {
    this.isPoll = isPoll;
    this.body = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => {
        if (!this.#isOver) listener.onread(this);
      },
      cancel: () => {
        if (this.#isOver) return;
        this.#isOver = true;
        listener.onleave(this);
      },
    }, BY_BYTES);
  }

  /** Bytes that the server has not read. */
  get bufferedAmount(): number {
    return -(this.#controller.desiredSize ?? 0);
  }

  /** Queues an event. */
  write(id: EventBody, body: EventBody): void {
    if (this.#isOver) return;
    if (body.byteLength > MAX_COPY) {
      this.#controller.enqueue(id);
      return this.#controller.enqueue(body);
    }
    const event = new Uint8Array(id.byteLength + body.byteLength);
    event.set(id);
    event.set(body, id.byteLength);
    this.#controller.enqueue(event);
  }

  /** Lets the client and what is between know that the line holds. */
  beat(): void {
    if (!this.#isOver) this.#controller.enqueue(HEARTBEAT);
  }

  /** Ends the response behind what is queued. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.close();
  }

  /** Breaks the response off. */
  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.error(new Error("The connection was terminated"));
  }
}
