/// <reference lib="dom" />
import type { ClientMessage } from "../protocol.ts";

/** A line that the server hasn't confirmed. */
export interface Unconfirmed {
  readonly id: string;
  readonly text: string;
}

/** Milliseconds between two lines, to keep a long queue below the server's rate limit. */
const SEND_INTERVAL = 120;
/** Milliseconds without a receipt after which the connection counts as lost. */
const RECEIPT_TIMEOUT = 10_000;

/**
 * Queue of the lines to one room. Keeps each line until the server has confirmed the line. After a
 * reconnect, the queue sends unconfirmed lines again with the same id: each arrives exactly once.
 */
export class Outgoing {
  readonly #unconfirmed = new Map<string, Unconfirmed>();
  #queue: Unconfirmed[] = [];
  #send: ((message: ClientMessage) => boolean) | undefined;
  #onLost: () => void = () => {};
  #paceTimer: ReturnType<typeof setTimeout> | undefined;
  #receiptTimer: ReturnType<typeof setTimeout> | undefined;

  get lines(): Iterable<Unconfirmed> {
    return this.#unconfirmed.values();
  }

  add(text: string): Unconfirmed {
    const line = { id: newId(), text };
    this.#unconfirmed.set(line.id, line);
    if (this.#send) this.#queue.push(line);
    this.#pump();
    return line;
  }

  /** Starts to send: first the unconfirmed lines, then new lines. */
  resume(send: (message: ClientMessage) => boolean, onLost: () => void): void {
    this.#send = send;
    this.#onLost = onLost;
    this.#queue = [...this.#unconfirmed.values()];
    this.#pump();
  }

  pause(): void {
    this.#send = undefined;
    this.#queue = [];
    clearTimeout(this.#paceTimer);
    clearTimeout(this.#receiptTimer);
    this.#paceTimer = this.#receiptTimer = undefined;
  }

  confirm(id: string): void {
    if (!this.#unconfirmed.delete(id)) return;
    clearTimeout(this.#receiptTimer);
    this.#receiptTimer = undefined;
    if (this.#unconfirmed.size > 0) this.#beginWaiting();
  }

  #pump(): void {
    if (this.#paceTimer !== undefined || !this.#send) return;
    const line = this.#queue.shift();
    if (!line) return;
    this.#send({ type: "say", ...line });
    this.#beginWaiting();
    this.#paceTimer = setTimeout(() => {
      this.#paceTimer = undefined;
      this.#pump();
    }, SEND_INTERVAL);
  }

  #beginWaiting(): void {
    this.#receiptTimer ??= setTimeout(() => {
      this.#receiptTimer = undefined;
      this.#onLost();
    }, RECEIPT_TIMEOUT);
  }
}

/** A random UUID; `crypto.randomUUID` exists only on pages from https: or localhost. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6]! & 0x0f | 0x40;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
