import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import type { History } from "./history.ts";

/** Result of a history, as the client saw it. */
export interface Played {
  /** Status of the answer to the handshake; 0 for none. */
  readonly status: number;
  readonly head: string;
  /** Bytes after the response head. */
  readonly received: Buffer;
  /** Number of written bytes of the stream of frames. */
  readonly written: number;
  /** Whether the server ended or reset the connection within the client's time limit. */
  readonly end: "ended" | "reset" | "none";
  /** Events in their order, for a transcript. */
  readonly steps: readonly string[];
}

const HEAD_END = "\r\n\r\n";
/** Milliseconds that a client waits for a required answer, for an optional one, and for the end. */
const ANSWER_MS = 5000, HOPE_MS = 300, END_MS = 5000, SERIAL_END_MS = 15_000;
const SILENCE_MS = 100, IDLE_MS = 9000;

/** Plays the client's half of a history. */
export async function play(history: History, port: number): Promise<Played> {
  const player = new Player(history);
  try {
    await player.connect(port);
    await player.run();
  } finally {
    player.destroy();
  }
  return player.played;
}

class Player {
  readonly #history: History;
  readonly #chunks: Buffer[] = [];
  readonly #steps: string[] = [];
  #socket: Socket | undefined;
  #wake: () => void = () => {};
  #status = 0;
  #head = "";
  #received = 0;
  #written = 0;
  #end: Played["end"] = "none";

  constructor(history: History) {
    this.#history = history;
  }

  get played(): Played {
    return {
      status: this.#status,
      head: this.#head,
      received: Buffer.concat(this.#chunks),
      written: this.#written,
      end: this.#end,
      steps: this.#steps,
    };
  }

  connect(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      this.#socket = socket;
      socket.once("connect", resolve).once("error", reject);
      socket.on("data", (data) => {
        this.#chunks.push(data as Buffer);
        this.#received += data.length;
        this.#steps.push(`← ${data.length} bytes`);
        this.#wake();
      });
      socket.on("end", () => this.#ended("ended"));
      socket.on("error", (error) => this.#ended("reset", (error as { code?: string }).code));
      socket.on("close", () => this.#ended("reset"));
    });
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  async run(): Promise<void> {
    const { handshake, isPipelined, chunks, ending, readsLate } = this.#history;
    const [first] = chunks;
    const early = isPipelined && first ? 1 : 0;
    this.#write(early ? Buffer.concat([handshake.bytes, first!.bytes]) : handshake.bytes);
    this.#written = early ? first!.bytes.length : 0;
    await this.#readHead(handshake.verdict === "valid" ? ANSWER_MS : HOPE_MS);
    if (this.#status !== 101) return await this.#until(() => false, 10);
    if (readsLate) this.#socket!.pause();
    for (const { bytes, pauseMs } of chunks.slice(early)) {
      if (this.#end !== "none") break;
      this.#write(bytes);
      this.#written += bytes.length;
      if (pauseMs > 0) await this.#until(() => false, pauseMs);
      else if (pauseMs < 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (readsLate) this.#socket!.resume();
    await this.#finish(ending);
  }

  async #readHead(ms: number): Promise<void> {
    const all = () => Buffer.concat(this.#chunks);
    await this.#until(() => all().includes(HEAD_END), ms);
    const bytes = all(), at = bytes.indexOf(HEAD_END);
    if (at < 0) return;
    this.#head = bytes.subarray(0, at).toString("latin1");
    this.#status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(this.#head)?.[1] ?? -1);
    this.#chunks.splice(0, Infinity, bytes.subarray(at + HEAD_END.length));
  }

  async #finish(ending: History["ending"]): Promise<void> {
    const socket = this.#socket!;
    const isOver = () => this.#end !== "none";
    this.#steps.push(ending);
    if (ending === "reset") return void socket.resetAndDestroy();
    if (ending === "silence") {
      return await this.#until(isOver, this.#history.endpoint === "idle" ? IDLE_MS : SILENCE_MS);
    }
    if (ending !== "close") socket.end();
    // A mutation may have swallowed the close frame. Slow hooks in sequence may delay the end.
    const isSlow = this.#history.endpoint === "serial" && this.#history.mutations.length === 0;
    await this.#until(isOver, isSlow ? SERIAL_END_MS : END_MS);
  }

  #write(bytes: Buffer): void {
    this.#steps.push(`→ ${bytes.length} bytes`);
    this.#socket!.write(bytes);
  }

  #ended(how: "ended" | "reset", code = ""): void {
    if (this.#end === "none") {
      this.#steps.push(`the server ${how} the connection ${code}`.trim());
      this.#end = how;
      this.#socket!.end();
    }
    this.#wake();
  }

  /** Waits until a condition holds, the connection ends, or the time is up. */
  async #until(isSo: () => boolean, ms: number): Promise<void> {
    const deadline = Date.now() + ms;
    while (!isSo() && this.#end === "none") {
      const left = deadline - Date.now();
      if (left <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = () => {};
    }
  }
}
