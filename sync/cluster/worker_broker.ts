import type { Broker, BrokerHost, Publication } from "../../pubsub/broker.ts";
import { afterEvents } from "./after_events.ts";
import { HistoryCalls } from "./history_calls.ts";
import { addedOf, framesOf, type IpcMessage, isIpcMessage, packed, unpacked } from "./message.ts";

/** The part of a worker's `process` that this module uses. */
export interface WorkerProcess {
  readonly connected?: boolean | undefined;
  send?(
    message: object,
    handle: undefined,
    options: undefined,
    callback: (error: Error | null) => void,
  ): boolean;
  on(event: "message" | "disconnect", listener: (message: unknown) => void): unknown;
  off(event: "message" | "disconnect", listener: (message: unknown) => void): unknown;
}

/** Milliseconds without an answer to a hello, after which the primary counts as away. */
const MAX_SILENCE = 1000;
/**
 * Milliseconds between two checks of a primary that has answered; silent checks after which it is
 * asked, and after which it counts as away. A busy time of this process is one check.
 */
const TICK = 200, PROBE_TICKS = 5, LOST_TICKS = 10;
/** First and longest milliseconds between two hellos, until the primary answers. */
const FIRST_DELAY = 50, MAX_DELAY = 500;

/**
 * - `calling`: the node has said hello. Messages are sent: they arrive after the hello.
 * - `silent`: no answer for a second, or no sign of life for two. The node says hello again and again.
 * - `restoring`: the primary knows the node, and has not confirmed all channels.
 * - `gone`: the IPC channel has ended, for good.
 */
type State = "calling" | "silent" | "restoring" | "up" | "gone" | "closed";

/** A request for channels that the primary has not confirmed. */
class Question {
  resolve!: () => void;
  reject!: (error: Error) => void;
  readonly promise: Promise<void> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** Options of a {@linkcode WorkerBroker}. */
export interface WorkerBrokerOptions {
  readonly cluster: string;
  readonly node: string;
  readonly required: boolean;
}

/** The worker's part: one node, which talks with the primary over the IPC channel. */
export class WorkerBroker implements Broker {
  readonly required: boolean;
  readonly #process: WorkerProcess;
  readonly #cluster: string;
  readonly #node: string;
  readonly #channels = new Set<string>();
  readonly #questions = new Map<number, Question>();
  /** Question of all calls before the primary knows the node. {@linkcode #restore} answers it. */
  #early: Question | undefined;
  #lastAsk = 0;
  /** Question whose answer means that all channels are restored. */
  #restoration = 0;
  #state: State = "calling";
  #wasUp = false;
  /** Checks since the primary has sent something. */
  #silent = 0;
  /** Reason why the primary counts as away. */
  #failure: Error = noRelay();
  #takesBytes = false;
  #host: BrokerHost | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly history: HistoryCalls;

  constructor(process: WorkerProcess, { cluster, node, required }: WorkerBrokerOptions) {
    this.#process = process;
    this.#cluster = cluster;
    this.#node = node;
    this.required = required;
    this.history = new HistoryCalls({
      takesBytes: () => this.#takesBytes,
      send: (message, failed) => {
        if (!this.#isKnown) return failed(this.#absence());
        const { onepeer } = message;
        this.#tell({ ...message, onepeer, node: this.#node }, (error) => error && failed(error));
      },
    });
  }

  defer(flush: () => void): void {
    afterEvents(flush);
  }

  open(host: BrokerHost): void {
    this.#host = host;
    this.#process.on("message", this.#received);
    this.#process.on("disconnect", this.#disconnected);
    if (this.#process.connected) this.#call(performance.now(), FIRST_DELAY);
    else queueMicrotask(this.#disconnected);
  }

  subscribe(channels: readonly string[]): Promise<void> {
    if (this.#state === "closed") return Promise.reject(closed());
    if (this.#state === "gone") return Promise.reject(gone());
    for (const channel of channels) this.#channels.add(channel);
    // One promise for all: a primary that does not relay may never answer.
    return this.#isKnown ? this.#ask(channels) : (this.#early ??= new Question()).promise;
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#channels.delete(channel);
    if (this.#isKnown) this.#tell({ onepeer: "unsubscribe", node: this.#node, channels });
  }

  publish(batch: readonly Publication[]): Promise<void> {
    if (!this.#isKnown && this.#state !== "calling") return Promise.reject(this.#absence());
    const packedBatch = batch.flatMap(({ channel, frame }) => {
      return [channel, packed(frame, this.#takesBytes)];
    });
    return new Promise((resolve, reject) => {
      const at = performance.now();
      const message = { onepeer: "publish", node: this.#node, batch: packedBatch, at };
      this.#tell(message, (error) => error ? reject(error) : resolve());
    });
  }

  async close(): Promise<void> {
    if (this.#state === "closed") return;
    if (this.#state !== "gone") this.#tell({ onepeer: "bye", node: this.#node });
    this.#state = "closed";
    clearTimeout(this.#timer);
    this.#process.off("message", this.#received);
    this.#process.off("disconnect", this.#disconnected);
    this.#rejectAll(closed());
    await undefined;
  }

  get #isKnown(): boolean {
    return this.#state === "restoring" || this.#state === "up";
  }

  /** Why the primary does not know this node. */
  #absence(): Error {
    if (this.#state === "calling") return new Error("the primary process has not answered yet");
    return this.#state === "silent" ? this.#failure : gone();
  }

  /** Says hello, until the primary answers. An application may set up the primary later. */
  #call(since: number, delay: number): void {
    clearTimeout(this.#timer);
    const { onepeer, bytes } = { onepeer: "hello", bytes: Uint8Array.of(1) };
    const at = performance.now();
    this.#tell({ onepeer, node: this.#node, cluster: this.#cluster, bytes, at });
    this.#timer = setTimeout(() => {
      if (this.#state === "calling" && performance.now() - since >= MAX_SILENCE) {
        this.#state = "silent";
        this.#host?.down(this.#failure);
      }
      this.#call(since, Math.min(2 * delay, MAX_DELAY));
    }, delay * (0.5 + Math.random() / 2));
  }

  /** Asks for channels. Resolves when the primary has confirmed them. */
  #ask(channels: readonly string[]): Promise<void> {
    const ask = ++this.#lastAsk, question = new Question();
    this.#questions.set(ask, question);
    this.#tell({ onepeer: "subscribe", node: this.#node, ask, channels });
    return question.promise;
  }

  #rejectAll(error: Error): void {
    this.history.rejectAll(error);
    for (const { reject } of this.#questions.values()) reject(error);
    this.#questions.clear();
    this.#early?.reject(error);
    this.#early = undefined;
  }

  /** Watches a primary that has answered. It may be busy, stopped, or in a debugger. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#silent++;
      if (this.#silent >= LOST_TICKS) return this.#lose();
      if (this.#silent === PROBE_TICKS) {
        this.#tell({ onepeer: "ping", node: this.#node, at: performance.now() });
      }
      this.#watch();
    }, TICK);
  }

  #lose(): void {
    this.#state = "silent";
    this.#failure = new Error("the primary process does not answer");
    this.history.rejectAll(this.#failure);
    this.#host?.down(this.#failure);
    this.#call(performance.now(), FIRST_DELAY);
  }

  #restore(): void {
    this.#watch();
    this.#state = "restoring";
    // The primary may know this node, with channels that are no longer wanted.
    if (this.#wasUp) this.#tell({ onepeer: "reset", node: this.#node });
    this.#restoration = this.#lastAsk + 1;
    const early = this.#early;
    this.#early = undefined;
    // Rejects at the end of the node, and of the IPC channel.
    this.#ask([...this.#channels]).then(early?.resolve, early?.reject ?? (() => {}));
  }

  /** The primary answers in order, so each answer also confirms all earlier questions. */
  #answered(ask: unknown): void {
    if (typeof ask !== "number") return;
    for (const [number, { resolve }] of this.#questions) {
      if (number > ask) break;
      this.#questions.delete(number);
      resolve();
    }
    if (this.#state !== "restoring" || ask < this.#restoration) return;
    this.#state = "up";
    this.#host?.up(this.#wasUp);
    this.#wasUp = true;
  }

  readonly #received = (message: unknown): void => {
    if (!isIpcMessage(message)) return;
    const isCalling = this.#state === "calling" || this.#state === "silent";
    if (message.onepeer === "primary" && isCalling) this.#call(performance.now(), FIRST_DELAY);
    if (message.node !== this.#node) return;
    this.#silent = 0;
    switch (message.onepeer) {
      case "welcome":
        if (!isCalling) return; // the answer to an earlier hello
        this.#takesBytes = message.bytes instanceof Uint8Array;
        return this.#restore();
      case "done":
        return this.#answered(message.ask);
      case "frames":
        for (const [channel, frame] of framesOf(message.batch)) {
          if (this.#channels.has(channel)) this.#host?.received(channel, unpacked(frame));
        }
        for (const { channel, first, frames } of addedOf(message.added)) {
          if (!this.#channels.has(channel)) continue;
          this.#host?.appended(channel, first, frames.map(unpacked));
        }
        return;
      case "kept":
      case "page":
        return this.history.answered(message);
      case "late":
        return this.#late(message.frames);
      case "gap":
        this.#host?.down(new Error("this worker was too slow: the primary has dropped messages"));
        this.#host?.up(true);
    }
  };

  #late(frames: unknown): void {
    if (!Number.isSafeInteger(frames) || frames as number < 0) return;
    const error = new Error("the primary process was busy: it has dropped late messages");
    this.#host?.lost(frames as number, error);
  }

  readonly #disconnected = (): void => {
    if (this.#state === "closed" || this.#state === "gone") return;
    this.#state = "gone";
    clearTimeout(this.#timer);
    this.#rejectAll(gone());
    this.#host?.down(gone());
  };

  #tell(message: IpcMessage, written: (error: Error | null) => void = () => {}): void {
    try {
      // Without a callback, Node emits `error` on `process` if the primary has gone.
      this.#process.send!(message, undefined, undefined, written);
    } catch (error) {
      written(error as Error);
    }
  }
}

function noRelay(): Error {
  return new Error(
    "the primary process does not relay messages: call setupPrimaryCluster() in the primary process",
  );
}

function closed(): Error {
  return new Error("the node is closed");
}

function gone(): Error {
  return new Error("the IPC channel to the primary process has ended");
}
