import type { Leniency } from "./reference_reader.ts";

/** What a runtime physically does otherwise, and why. What is not here is held against it. */
export interface Allowances {
  /** What its reader of frames lets pass. */
  readonly leniency?: Leniency;
  /** Frames that come before the 101 are lost, or taken for another request. */
  readonly losesEarlyFrames?: string;
  /** After a protocol error the line ends without a close frame. */
  readonly sendsNoCloseAfterViolation?: string;
  /**
   * No close frame tells a client of its error that has ended its half: on lines of `ws`, which are
   * the compressed ones or all.
   */
  readonly missesCloseBehindFin?: "deflate" | "everywhere";
  /** An illegal close frame is answered by an empty one. */
  readonly answersIllegalCloseByNone?: string;
  /** Some protocol errors look like a line that dropped. */
  readonly hidesViolations?: string;
  /** The codes 3000 to 3999 of a client look like a line that dropped. */
  readonly hidesLibraryCodes?: string;
  /** The reader cannot be paused: who sends more than may wait is closed with 1013. */
  readonly cannotPause?: string;
  /** Descriptors of clients that reset right behind the 101 stay open. */
  readonly keepsResetLines?: string;
  /** A silent client is closed with 1001. */
  readonly closesSilentClients?: string;
  /** After a message over `maxPayload` pings and closes are answered until ours is on its way. */
  readonly readsOnAfterOversize?: string;
  /** `terminate()` in the `open` hook takes the 101 with it. */
  readonly terminatesBeforeTheAnswer?: string;
}

/** `ws` 8 reports an error a tick later, or after an inflation, and may have answered the FIN by then. */
const compressedByWs: Allowances = { missesCloseBehindFin: "deflate" };

/** By the name of the runtime, as in `tests/runtimes/native.ts`. */
export const ALLOWANCES: Readonly<Record<string, Allowances>> = {
  deno: {
    // fastwebsockets in Deno 2.9: no look at the mask bit, at the length of pongs and close frames,
    // at fragments of a message that another one follows; and a list of close codes that ends with
    // 1013. Seen on Deno alone, without the library.
    leniency: {
      mask: "either",
      takesLongControls: true,
      interruption: "fragment",
      refuses1014: true,
    },
    sendsNoCloseAfterViolation: "Deno 2.9 ends the line after a protocol error (gap X6.wire)",
    cannotPause: "Deno's server socket can't stop reading (gap C3.pause)",
    keepsResetLines: "Deno 2.9 does not tell of a reset right behind the 101 (SECURITY.md)",
    readsOnAfterOversize: "Deno 2.9 has no limit of its own, and resets who sends behind our close",
    closesSilentClients: "Deno 2.9 watches idle lines itself, and ends them by a close with 1001",
  },
  node20: compressedByWs,
  node22: compressedByWs,
  node24: compressedByWs,
  node26: compressedByWs,
  ws: { missesCloseBehindFin: "everywhere" },
  bun: {
    losesEarlyFrames:
      "Bun 1.4 takes what follows the handshake for a request, until it is answered",
  },
  uws: {
    // uWebSockets.js 20 unmasks without a look at the mask bit, takes a close frame of one byte for
    // one without a code, lets a binary message into a fragmented one, and has a list of close codes that ends with 1013.
    // Where a chunk ends within a compressed frame, it drops the line at the next one. Seen without
    // the library.
    leniency: {
      mask: "assumed",
      interruption: "binary",
      tripsOverCompression: true,
      takesShortClose: true,
      refuses1014: true,
    },
    losesEarlyFrames:
      "uWebSockets.js 20 drops what comes before the 101 (RFC 6455 §4.1 forbids it)",
    sendsNoCloseAfterViolation: "uWebSockets.js 20 ends the line at once (gap X6.wire)",
    answersIllegalCloseByNone: "uWebSockets.js 20 takes an illegal code for none, and echoes that",
    hidesViolations: "uWebSockets.js 20 reports these as 1006 (gaps X6.*)",
    hidesLibraryCodes: "uWebSockets.js 20 reports 3000 to 3999 as 1006 (gap X3.client-code-3000)",
    cannotPause: "uWebSockets.js 20 can't stop reading a WebSocket (gap C3.pause)",
    terminatesBeforeTheAnswer: "uWebSockets.js 20 writes the 101 once the open hook has returned",
  },
};
