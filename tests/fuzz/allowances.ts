import type { Leniency } from "./reference_reader.ts";

/**
 * Deviations of a runtime that the library cannot change, with reasons. Any other deviation fails.
 */
export interface Allowances {
  /** Violations that the runtime's reader of frames accepts. */
  readonly leniency?: Leniency;
  /** Frames that arrive before the 101 are lost, or read as another request. */
  readonly losesEarlyFrames?: string;
  /** Status, besides 400, of the response to a client that sends frames before the 101. */
  readonly answersEarlyFramesBy?: number;
  /** The connection ends after a protocol error without a close frame. */
  readonly sendsNoCloseAfterViolation?: string;
  /**
   * A client that breaks the protocol and ends its half gets no close frame. Concerns connections
   * of `ws`: the compressed ones, or all.
   */
  readonly missesCloseBehindFin?: "deflate" | "everywhere";
  /** The runtime answers an illegal close frame with an empty close frame. */
  readonly answersIllegalCloseByNone?: string;
  /** Some protocol errors look like a dropped connection. */
  readonly hidesViolations?: string;
  /** The codes 3000 to 3999 of a client look like a dropped connection. */
  readonly hidesLibraryCodes?: string;
  /** The reader cannot be paused, so a client that sends too much is closed with 1013. */
  readonly cannotPause?: string;
  /** Descriptors of clients that reset right after the 101 stay open. */
  readonly keepsResetLines?: string;
  /** The runtime closes a silent client with 1001. */
  readonly closesSilentClients?: string;
  /**
   * After a message over `maxPayload`, the runtime answers pings and closes until it sends its own
   * close.
   */
  readonly readsOnAfterOversize?: string;
  /** `terminate()` in the `open` hook discards the 101. */
  readonly terminatesBeforeTheAnswer?: string;
}

/** `ws` 8 reports an error a tick later, or after an inflation, so it may answer a FIN first. */
const compressedByWs: Allowances = { missesCloseBehindFin: "deflate" };

/** Allowances by the name of the runtime, as in `tests/runtimes/native.ts`. */
export const ALLOWANCES: Readonly<Record<string, Allowances>> = {
  deno: {
    // fastwebsockets in Deno 2.9 does not check the mask bit, the length of pongs and close frames,
    // or whether a message begins within another. The list of close codes ends with 1013.
    // Reproduced on Deno without the library.
    leniency: {
      mask: "either",
      takesLongControls: true,
      interruption: "fragment",
      refuses1014: true,
    },
    sendsNoCloseAfterViolation:
      "Deno 2.9 drops the connection after a protocol error (gap X6.wire)",
    cannotPause: "Deno's server socket can't stop reading (gap C3.pause)",
    keepsResetLines: "Deno 2.9 does not report a reset right after the 101 (SECURITY.md)",
    readsOnAfterOversize:
      "Deno 2.9 has no limit itself, and resets clients that send after the server's close",
    closesSilentClients: "Deno 2.9 closes idle connections itself, with 1001",
  },
  node20: compressedByWs,
  node22: compressedByWs,
  node24: compressedByWs,
  node26: compressedByWs,
  ws: { missesCloseBehindFin: "everywhere" },
  bun: {
    losesEarlyFrames:
      "Bun 1.4 reads bytes after the handshake as a request, until it has sent the 101",
  },
  uws: {
    // uWebSockets.js 20:
    // - unmasks without a check of the mask bit,
    // - reads a close frame of one byte as one without a code,
    // - accepts a binary message within a fragmented one,
    // - does not know close codes over 1013,
    // - drops the connection at the next chunk if a chunk ends within a compressed frame.
    // Reproduced without the library.
    leniency: {
      mask: "assumed",
      interruption: "binary",
      tripsOverCompression: true,
      takesShortClose: true,
      refuses1014: true,
    },
    losesEarlyFrames:
      "uWebSockets.js 20 drops bytes before the 101 (RFC 6455 §4.1 forbids clients to send them)",
    sendsNoCloseAfterViolation: "uWebSockets.js 20 drops the connection at once (gap X6.wire)",
    answersIllegalCloseByNone: "uWebSockets.js 20 reads an illegal code as none, and echoes none",
    hidesViolations: "uWebSockets.js 20 reports these as 1006 (gaps X6.*)",
    hidesLibraryCodes: "uWebSockets.js 20 reports 3000 to 3999 as 1006 (gap X3.client-code-3000)",
    cannotPause: "uWebSockets.js 20 can't stop reading a WebSocket (gap C3.pause)",
    terminatesBeforeTheAnswer: "uWebSockets.js 20 writes the 101 once the open hook has returned",
  },
  uws24: {
    // uWebSockets.js 20.57 differs from 20.30 above: it reports malformed frames, and drops the
    // connection only if the head of a compressed frame is split. Reproduced without the library.
    leniency: {
      mask: "assumed",
      interruption: "binary",
      takesShortClose: true,
      refuses1014: true,
      refusesLibraryCodes: true,
    },
    losesEarlyFrames:
      "uWebSockets.js 20 drops bytes before the 101 (RFC 6455 §4.1 forbids clients to send them)",
    answersEarlyFramesBy: 505, // while an upgrade hook is pending, a frame is parsed as a request
    sendsNoCloseAfterViolation: "uWebSockets.js 20 drops the connection at once (gap X6.wire)",
    answersIllegalCloseByNone: "uWebSockets.js 20 reads an illegal code as none, and echoes none",
    cannotPause: "uWebSockets.js 20 can't stop reading a WebSocket (gap C3.pause)",
    terminatesBeforeTheAnswer: "uWebSockets.js 20 writes the 101 once the open hook has returned",
  },
};
