import { Buffer } from "node:buffer";
import { CLOSE, parseFrame, type RawFrame } from "../harness/clients/raw_client.ts";
import { sleep } from "../harness/clients/case_client.ts";
import type { MachineClock } from "../harness/machine.ts";
import { TimeLimit } from "../harness/time_limit.ts";

/** Milliseconds after which a server has usually read the previous byte. */
const BYTE_MS = 1;
/** Milliseconds after which a server has read the previous piece. */
const PAUSE_MS = 60;

/** A response head. */
export interface Head {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/**
 * A TCP connection that receives all bytes of the server, even after a failed write. A stream of
 * Node would end at the first write that fails.
 */
export class RawConnection implements Disposable {
  /** Whether the server has ended its half, or reset the connection. */
  isOver = false;
  readonly #conn: Deno.TcpConn;
  readonly #clock: MachineClock | undefined;
  #received: Buffer = Buffer.alloc(0);
  #isWritable = true;
  #heard: PromiseWithResolvers<void> = Promise.withResolvers();

  private constructor(conn: Deno.TcpConn, clock: MachineClock | undefined) {
    this.#conn = conn;
    this.#clock = clock;
    void this.#read();
  }

  /** @param clock clock of the waits for the server; by default that of {@linkcode TimeLimit}. */
  static async connect(port: number, clock?: MachineClock): Promise<RawConnection> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return new RawConnection(conn, clock);
  }

  /** Writes as much as the server still accepts. */
  async write(data: Uint8Array, isBytewise: boolean): Promise<void> {
    const step = isBytewise ? 1 : data.byteLength;
    let at = 0;
    try {
      while (this.#isWritable && at < data.byteLength) {
        at += await this.#conn.write(data.subarray(at, at + step));
        if (isBytewise) await nextTick();
      }
    } catch {
      this.#isWritable = false;
    }
  }

  /** Writes the parts between the offsets with pauses, so that the server reads each alone. */
  async writePieces(data: Uint8Array, offsets: readonly number[]): Promise<void> {
    let start = 0;
    for (const end of [...offsets, data.byteLength]) {
      await this.write(data.subarray(start, end), false);
      await sleep(PAUSE_MS);
      start = end;
    }
  }

  /** Waits for the response head; `undefined` if none comes. */
  async head(ms: number): Promise<Head | undefined> {
    const started = performance.now();
    const isLate = () => performance.now() - started > LATEST_HEAD_MS;
    await this.#until(
      () => this.isOver || this.#received.includes("\r\n\r\n") || isLate(),
      ms,
    );
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [status = "", ...lines] = this.#received.toString("latin1", 0, end).split("\r\n");
    this.#received = this.#received.subarray(end + 4);
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(status)?.[1] ?? 0), headers };
  }

  /** Waits for a Close frame or the end of the connection. Returns whether one came in time. */
  async hasClosed(ms: number): Promise<boolean> {
    const isThere = () => this.isOver || this.#opcodes().includes(CLOSE);
    await this.#until(isThere, ms);
    return isThere();
  }

  /** Waits for the end of the connection. Returns whether it came in time. */
  async hasEnded(ms: number): Promise<boolean> {
    await this.#until(() => this.isOver, ms);
    return this.isOver;
  }

  /** Number of received bytes that are not yet taken. */
  get pending(): number {
    return this.#received.byteLength;
  }

  /** Takes the next frame, if it is complete. */
  frame(): RawFrame | undefined {
    const parsed = parseFrame(this.#received);
    if (parsed) this.#received = this.#received.subarray(parsed.length);
    return parsed?.frame;
  }

  [Symbol.dispose](): void {
    this.#isWritable = false;
    this.#conn.close();
  }

  /** Opcodes of the complete frames that are not yet taken. */
  #opcodes(): number[] {
    const opcodes: number[] = [];
    let rest = this.#received;
    for (let next = parseFrame(rest); next; next = parseFrame(rest)) {
      opcodes.push(next.frame.opcode);
      rest = rest.subarray(next.length);
    }
    return opcodes;
  }

  async #read(): Promise<void> {
    const chunk = new Uint8Array(65536);
    try {
      for (let n = await this.#conn.read(chunk); n !== null; n = await this.#conn.read(chunk)) {
        this.#received = Buffer.concat([this.#received, chunk.subarray(0, n)]);
        this.#notify();
      }
    } catch { /* reset by the server, or closed by this client */ }
    this.isOver = true;
    this.#notify();
  }

  #notify(): void {
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }

  async #until(isThere: () => boolean, ms: number): Promise<void> {
    if (isThere()) return;
    const limit = new TimeLimit(ms, this.#clock);
    while (!isThere() && !limit.isOver) await limit.pause(this.#heard.promise);
  }
}

/**
 * Longest wait for a response head in milliseconds. uWebSockets.js leaves a bad request unanswered,
 * and ends the connection after 10 s. That end must not count as an answer, so the wait is shorter.
 */
const LATEST_HEAD_MS = 8_000;

let tick: Promise<void> | undefined;

/** Shares one timer among all connections, as they write many bytes. */
function nextTick(): Promise<void> {
  return tick ??= sleep(BYTE_MS).then(() => {
    tick = undefined;
  });
}
