import type { Payload } from "../../socket/socket.ts";

/** A message of a topic with history, as the option `format` gets it. */
export interface HistoryMessageInfo {
  /** Topic of the message. */
  readonly topic: string;
  /** Namespace of the topic. */
  readonly namespace: string;
  /** Text or bytes. Do not change the bytes. */
  readonly data: Payload;
  /** Position of the message, for `since` of `peer.subscribe`. */
  readonly position: string;
}

/** Option `format`: returns what clients get instead of a message, see `peer.send`. */
export type FormatMessage = (message: HistoryMessageInfo) => unknown;
