import type { Allowances } from "./allowances.ts";
import type { History } from "./history.ts";
import type { Played } from "./player.ts";
import type { Reading } from "./reference_reader.ts";
import type { PeerRecord } from "./fuzz_server.ts";

/** Everything that is known of one history. */
export interface Evidence {
  readonly history: History;
  readonly played: Played;
  /** Of the peers its token made. */
  readonly peers: readonly PeerRecord[];
  readonly allowances: Allowances;
}

/** What both ends said, by the letter of RFC 6455. */
export interface Transcript {
  /** What the client wrote, as a server must read it. */
  readonly sent: Reading;
  /** What the server wrote. */
  readonly received: Reading;
}
