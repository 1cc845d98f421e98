/** Rows that a runtime fails and no shim can repair. Each row is run and must fail. */
export interface ProtocolGap {
  /** Pattern of the ids of the rows. */
  readonly rows: RegExp;
  readonly reason: string;
  readonly link: string;
  /** Rows that fail only sometimes, depending on how the network splits bytes written at once. */
  readonly atOnceOnly?: RegExp;
  /** Whether a row sometimes passes, as chance decides: it may pass without an error. */
  readonly mayPass?: boolean;
}

const FASTWEBSOCKETS = "https://github.com/denoland/fastwebsockets";
const UWS_TODAY = "https://github.com/uNetworking/uWebSockets/blob/master/src";
const UWS = "https://github.com/uNetworking/uWebSockets/blob/v20.30.0/src";

const deno: readonly ProtocolGap[] = [
  {
    rows: /^masking\.unmasked-/,
    reason: "Deno accepts unmasked frames from a client",
    link: FASTWEBSOCKETS,
  },
  {
    rows: /^framing\.too-long-1048577$/,
    reason: "Deno's own limit is 64 MiB, so maxPayload is checked only once a message is complete",
    link: FASTWEBSOCKETS,
  },
  {
    rows: /^fragmentation\.(?:text|binary)-start-within$/,
    reason: "Deno accepts the first fragment of a message inside another fragmented message",
    link: FASTWEBSOCKETS,
  },
  {
    rows: /^control\.(?:pong|close)-(?:126|65536)/,
    reason: "Deno checks the length of pings, but not of other control frames",
    link: FASTWEBSOCKETS,
  },
  {
    rows: /^handshake\.upgrade-twice$/,
    reason: "Deno gives two answers to a handshake with two Upgrade headers: a 101, then an error",
    link: "https://github.com/denoland/deno/tree/v2.9.6/ext/http",
  },
  {
    rows: /^offers\.taken$/,
    reason: "Deno's server socket has no compression",
    link: "https://docs.deno.com/api/deno/~/Deno.upgradeWebSocket",
  },
];

/** Gaps of every version of uWebSockets.js 20. */
const everyUws: readonly ProtocolGap[] = [
  {
    rows: /^masking\.unmasked-(?!text)/,
    reason: "uWebSockets.js 20 treats every client frame as masked",
    link: `${UWS}/WebSocketProtocol.h`,
  },
  {
    rows: /^fragmentation\.(?:(?:text|binary)-after-ping|binary-within|binary-start-within)$/,
    reason: "uWebSockets.js 20 treats a new message inside a fragmented one as its continuation",
    link: `${UWS}/WebSocketProtocol.h`,
  },
  {
    rows: /^request\.header-nameless$/,
    reason: "uWebSockets.js 20 accepts a header without a name",
    link: `${UWS}/HttpParser.h`,
  },
  {
    rows: /^compressed\.block-final$/,
    reason: "uWebSockets.js 20 does not inflate data behind a block with BFINAL",
    link: `${UWS}/PerMessageDeflate.h`,
  },
  {
    rows: /^compressed\.rsv1-(?:ping|pong|close)$/,
    reason: "uWebSockets.js 20 ignores RSV1 of control frames once compression is negotiated",
    link: `${UWS}/WebSocketProtocol.h`,
  },
];

const uws: readonly ProtocolGap[] = [
  ...everyUws,
  {
    rows:
      /^request\.(?:target-(?:absolute|star|relative)|http-|colon-spaced|header-(?!nameless)|obs-fold|bare-lf|empty-line)/,
    reason: "uWebSockets.js 20 does not answer a request head that it rejects, until a time-out",
    link: `${UWS}/HttpParser.h`,
  },
  {
    rows: /^handshake\.more$/,
    reason: "uWebSockets.js 20 accepts at most 50 headers",
    link: `${UWS}/HttpParser.h`,
  },
  {
    rows: /^compressed\.cut-(?:head-apart|long-head)$/,
    reason:
      "uWebSockets.js 20 cuts the connection if a compressed frame's head and payload arrive apart",
    link: `${UWS}/WebSocketProtocol.h`,
    atOnceOnly: /^compressed\./,
    mayPass: true, // on a busy machine the server reads both parts at once
  },
];

const uws24: readonly ProtocolGap[] = [
  ...everyUws,
  {
    rows: /^request\.target-absolute$/,
    reason: "uWebSockets.js 20.57 answers a request with an absolute target with 505",
    link: `${UWS_TODAY}/HttpParser.h`,
  },
  {
    rows: /^request\.(?:header-cr|empty-line-first)$/,
    reason:
      "uWebSockets.js 20.57 does not answer a head with a bare CR or behind an empty line, until a time-out",
    link: `${UWS_TODAY}/HttpParser.h`,
  },
  {
    rows: /^handshake\.browser$/,
    reason:
      "uWebSockets.js 20.57 accepts 4 KiB of headers; UWS_HTTP_MAX_HEADERS_SIZE sets the limit",
    link: `${UWS_TODAY}/HttpParser.h`,
  },
  {
    rows: /^compressed\.cut-long-head$/,
    reason: "uWebSockets.js 20.57 cuts the connection if the head of a compressed frame is split",
    link: `${UWS_TODAY}/WebSocketProtocol.h`,
    atOnceOnly: /^compressed\./,
    mayPass: true, // on a busy machine the server reads both parts at once
  },
];

/** Gaps by the name of the runtime. */
export const protocolGaps: Readonly<Record<string, readonly ProtocolGap[]>> = {
  deno,
  node20: [{
    rows: /^handshake\.white-space$/,
    reason: "Node 20 misses an upgrade whose Connection header ends with a tab",
    link: "https://github.com/nodejs/llhttp",
  }],
  bun: [{
    rows: /^request\.http-1-0$/,
    reason: "Bun treats HTTP/1.0 as HTTP/1.1 and does not report the version",
    link: "https://bun.com/docs/api/http",
  }],
  uws,
  uws24,
};
