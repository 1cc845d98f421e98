/** Rows that a runtime fails, and that no shim can cure. They are run, and must fail, each of them. */
export interface ProtocolGap {
  /** Ids of the rows. */
  readonly rows: RegExp;
  readonly reason: string;
  readonly link: string;
  /** Rows that it makes fail now and then, by where the network cuts their bytes: written at once only. */
  readonly atOnceOnly?: RegExp;
}

const FASTWEBSOCKETS = "https://github.com/denoland/fastwebsockets";
const UWS = "https://github.com/uNetworking/uWebSockets/blob/v20.30.0/src";

const deno: readonly ProtocolGap[] = [
  {
    rows: /^masking\.unmasked-/,
    reason: "Deno takes unmasked frames of a client",
    link: FASTWEBSOCKETS,
  },
  {
    rows: /^framing\.too-long-1048577$/,
    reason: "Deno's own limit is 64 MiB: only a whole message can be found over maxPayload",
    link: FASTWEBSOCKETS,
  },
  {
    rows: /^fragmentation\.(?:text|binary)-start-within$/,
    reason: "Deno lets the first fragment of a message follow one of another",
    link: FASTWEBSOCKETS,
  },
  {
    rows: /^control\.(?:pong|close)-(?:126|65536)/,
    reason: "Deno looks at the length of pings only, not of other control frames",
    link: FASTWEBSOCKETS,
  },
  {
    rows: /^handshake\.upgrade-twice$/,
    reason: "Deno answers a handshake with two Upgrade lines twice: a 101, then an error",
    link: "https://github.com/denoland/deno/tree/v2.9.6/ext/http",
  },
  {
    rows: /^offers\.taken$/,
    reason: "Deno's server socket has no compression",
    link: "https://docs.deno.com/api/deno/~/Deno.upgradeWebSocket",
  },
];

const uws: readonly ProtocolGap[] = [
  {
    rows: /^masking\.unmasked-(?!text)/,
    reason: "uWebSockets.js 20 takes every frame of a client for a masked one",
    link: `${UWS}/WebSocketProtocol.h`,
  },
  {
    rows: /^fragmentation\.(?:(?:text|binary)-after-ping|binary-within|binary-start-within)$/,
    reason: "uWebSockets.js 20 takes a new message within a fragmented one for its continuation",
    link: `${UWS}/WebSocketProtocol.h`,
  },
  {
    rows:
      /^request\.(?:target-(?:absolute|star|relative)|http-|colon-spaced|header-(?!nameless)|obs-fold|bare-lf|empty-line)/,
    reason:
      "uWebSockets.js 20 leaves a head that it does not take without an answer until a time-out",
    link: `${UWS}/HttpParser.h`,
  },
  {
    rows: /^request\.header-nameless$/,
    reason: "uWebSockets.js 20 takes a header without a name",
    link: `${UWS}/HttpParser.h`,
  },
  {
    rows: /^handshake\.more$/,
    reason: "uWebSockets.js 20 takes 50 headers and no more",
    link: `${UWS}/HttpParser.h`,
  },
  {
    rows: /^compressed\.block-final$/,
    reason: "uWebSockets.js 20 does not inflate what follows a block with BFINAL",
    link: `${UWS}/PerMessageDeflate.h`,
  },
  {
    rows: /^compressed\.rsv1-(?:ping|pong|close)$/,
    reason:
      "uWebSockets.js 20 does not look at RSV1 of control frames where compression was agreed on",
    link: `${UWS}/WebSocketProtocol.h`,
  },
  {
    rows: /^compressed\.cut-(?:head-apart|long-head)$/,
    reason:
      "uWebSockets.js 20 drops the line where the head of a compressed frame comes apart from its payload",
    link: `${UWS}/WebSocketProtocol.h`,
    atOnceOnly: /^compressed\./,
  },
];

/** By the name of the runtime. */
export const protocolGaps: Readonly<Record<string, readonly ProtocolGap[]>> = {
  deno,
  node20: [{
    rows: /^handshake\.white-space$/,
    reason: "Node 20 does not see an Upgrade whose Connection ends with a tab",
    link: "https://github.com/nodejs/llhttp",
  }],
  bun: [{
    rows: /^request\.http-1-0$/,
    reason: "Bun takes HTTP/1.0 for HTTP/1.1, and does not tell which it was",
    link: "https://bun.com/docs/api/http",
  }],
  uws,
};
