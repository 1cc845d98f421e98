import type { HistoryStore } from "../../pubsub/broker.ts";
import {
  type IpcMessage,
  listOf,
  packed,
  packedPosition,
  positionOf,
  unpacked,
} from "./message.ts";

/** The worker's side of the IPC channel, as calls to histories need it. */
export interface HistoryLink {
  /** Whether the IPC channel carries bytes. */
  takesBytes(): boolean;
  /** Sends a message of this node. Reports the error if the primary will not get the message. */
  send(message: Omit<IpcMessage, "node">, failed: (error: Error) => void): void;
}

/** A call that the primary has not answered. */
interface Call {
  readonly resolve: (answer: IpcMessage) => void;
  readonly reject: (error: Error) => void;
}

/** The histories that the primary process keeps, as one node calls them. */
export class HistoryCalls implements HistoryStore {
  readonly #link: HistoryLink;
  readonly #calls = new Map<number, Call>();
  #lastCall = 0;

  constructor(link: HistoryLink) {
    this.#link = link;
  }

  readonly append: HistoryStore["append"] = async (channel, frames, { size, ttl, key }) => {
    const batch = frames.map((frame) => packed(frame, this.#link.takesBytes()));
    const keep = [channel, ttl, size, key];
    const { position } = await this.#call({ onepeer: "append", keep, batch });
    const first = positionOf(position);
    if (first) return first;
    throw new Error("the primary process was busy: it has not added late messages");
  };

  readonly read: HistoryStore["read"] = async (channel, since, { limit, ttl }) => {
    const position = since && packedPosition(since), keep = [channel, ttl, limit];
    const page = await this.#call({ onepeer: "read", keep, position });
    const top = positionOf(page.position);
    if (top) return { top, frames: listOf(page.batch).map(unpacked) };
    throw new Error("the primary process has sent no history");
  };

  /** Takes an answer of the primary. */
  answered(answer: IpcMessage): void {
    const number = answer.call as number, call = this.#calls.get(number);
    this.#calls.delete(number);
    call?.resolve(answer);
  }

  /** The connection to the primary was lost. */
  rejectAll(error: Error): void {
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }

  #call(message: Omit<IpcMessage, "node">): Promise<IpcMessage> {
    const call = ++this.#lastCall, at = performance.now();
    return new Promise((resolve, reject) => {
      const failed = (error: Error) => {
        this.#calls.delete(call);
        reject(error);
      };
      this.#calls.set(call, { resolve, reject });
      this.#link.send({ ...message, call, at }, failed);
    });
  }
}
