/** What a runtime physically does otherwise, and why. What is not here is held against it. */
export interface Allowances {
  /** Frames of a client that are not masked are taken as they are. */
  readonly takesUnmasked?: string;
  /** Frames that come before the 101 are lost, whole or in part. */
  readonly losesEarlyFrames?: string;
  /** After a protocol error the line ends without a close frame. */
  readonly sendsNoCloseAfterViolation?: string;
  /** Where compression is on, no close frame tells a client of its error that has ended its half. */
  readonly missesCloseBehindFin?: string;
  /** Some protocol errors look like a line that dropped. */
  readonly hidesViolations?: string;
  /** The codes 3000 to 3999 of a client look like a line that dropped. */
  readonly hidesLibraryCodes?: string;
  /** The reader cannot be paused: who sends more than may wait is closed with 1013. */
  readonly cannotPause?: string;
  /** Descriptors of clients that reset right behind the 101 stay open. */
  readonly keepsResetLines?: string;
}

const ws: Allowances = {
  missesCloseBehindFin: "ws 8 inflates in the background, and has answered the FIN by then",
};

/** By the name of the runtime, as in `tests/runtimes.ts`. */
export const ALLOWANCES: Readonly<Record<string, Allowances>> = {
  deno: {
    takesUnmasked: "fastwebsockets, in Deno 2.9, does not look at the mask bit",
    sendsNoCloseAfterViolation: "Deno 2.9 ends the line after a protocol error (gap X6.wire)",
    cannotPause: "Deno's server socket can't stop reading (gap C3.pause)",
    keepsResetLines: "Deno 2.9 does not tell of a reset right behind the 101 (SECURITY.md)",
  },
  node20: ws,
  node22: ws,
  node24: ws,
  node26: ws,
  ws,
  uws: {
    takesUnmasked: "uWebSockets.js 20 does not look at the mask bit",
    losesEarlyFrames: "uWebSockets.js 20 drops what comes before the 101, which RFC 6455 §4.1 forbids",
    sendsNoCloseAfterViolation: "uWebSockets.js 20 ends the line at once (gap X6.wire)",
    hidesViolations: "uWebSockets.js 20 reports these as 1006 (gaps X6.*)",
    hidesLibraryCodes: "uWebSockets.js 20 reports 3000 to 3999 as 1006 (gap X3.client-code-3000)",
    cannotPause: "uWebSockets.js 20 can't stop reading a WebSocket (gap C3.pause)",
  },
};
