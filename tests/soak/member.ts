import type { Buffer } from "node:buffer";
import { once } from "node:events";
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import { type Ledger, Receipts } from "./ledger.ts";
import { type Numbered, readNumbered } from "./numbered.ts";

/** State that the members of a run share. */
export interface Run {
  /** Base of all URLs of the server half. */
  readonly url: string;
  readonly ledger: Ledger;
  /** Reports a failure that concerns no message, such as an unexpected close. */
  complain(words: string): void;
}

/** Way in which a client leaves. */
export type Farewell = "close" | "terminate" | "fin" | "rst";

/** Options of a member. */
export interface MemberOptions {
  readonly name: string;
  readonly path: string;
  /** Whether the client offers compression. */
  readonly deflate?: boolean;
  /** Topics on which the client must get the first message of every sender. */
  readonly whole?: string;
}

/** A client that checks its messages in the ledger. */
export abstract class Member {
  readonly name: string;
  readonly receipts: Receipts;
  protected readonly run: Run;
  readonly #options: MemberOptions;
  #socket: WebSocket | undefined;
  #isLeaving = false;

  constructor(run: Run, options: MemberOptions) {
    this.run = run;
    this.#options = options;
    this.name = options.name;
    this.receipts = new Receipts(run.ledger, options.name, options.whole ?? "");
  }

  protected abstract received(message: Numbered): void;

  /** Handles a message without a number. */
  protected answered(text: string): void {
    this.run.ledger.wrong("stray", `${this.name} got ${text.slice(0, 60)}`);
  }

  async join(): Promise<void> {
    const { path, deflate = false } = this.#options;
    const socket = new WebSocket(this.run.url + path, { perMessageDeflate: deflate });
    this.#socket = socket;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      const message = readNumbered(isBinary ? data : data.toString());
      if (!message) return this.answered(data.toString());
      this.receipts.take(message);
      this.received(message);
    });
    socket.on("close", (code) => {
      if (!this.#isLeaving) this.run.complain(`${this.name} was closed with ${code}`);
    });
    socket.on("error", (error) => {
      if (!this.#isLeaving) this.run.complain(`${this.name}: ${error}`);
    });
    await once(socket, "open");
  }

  protected get socket(): WebSocket {
    return this.#socket!;
  }

  protected send(message: string, isBinary: boolean): void {
    this.socket.send(message, { binary: isBinary });
  }

  /** Leaves, and waits for the end of the connection. */
  async leave(how: Farewell = "close"): Promise<void> {
    this.#isLeaving = true;
    const socket = this.socket;
    if (socket.readyState === WebSocket.CLOSED) return;
    const closed = once(socket, "close");
    const line = (socket as unknown as { _socket: { end(): void; resetAndDestroy(): void } })
      ._socket;
    if (how === "close") socket.close(1000);
    else if (how === "terminate") socket.terminate();
    else if (how === "fin") line.end();
    else line.resetAndDestroy();
    await closed;
  }
}
