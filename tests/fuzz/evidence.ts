import type { Allowances } from "./allowances.ts";
import type { History } from "./history.ts";
import type { Played } from "./player.ts";
import type { Reading } from "./reference_reader.ts";
import type { PeerRecord } from "./fuzz_server.ts";

/** Everything that is known about one history. */
export interface Evidence {
  readonly history: History;
  readonly played: Played;
  /** Records of the peers that the history's token created. */
  readonly peers: readonly PeerRecord[];
  readonly allowances: Allowances;
}

/** Both streams, as RFC 6455 reads them. */
export interface Transcript {
  /** Bytes of the client, as a server must read them. */
  readonly sent: Reading;
  /** Bytes of the server. */
  readonly received: Reading;
}
