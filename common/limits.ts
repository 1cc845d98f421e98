import { invalidOption } from "./errors.ts";
import { checkNames, givenOptions } from "./option_names.ts";

/**
 * Limits of an endpoint, the same on every runtime. Sizes are bytes, times are milliseconds.
 */
export interface Limits {
  /**
   * Size of the largest message that a client may send, after inflation. A larger message closes the
   * peer with 1009.
   *
   * @default 1_048_576
   */
  readonly maxPayload: number;
  /**
   * Most bytes that may be queued for one client. {@linkcode overflow} decides about further messages.
   * At most `maxBuffered / 256` messages may be queued, or 1,024 if this is more.
   *
   * @default 16_777_216
   */
  readonly maxBuffered: number;
  /**
   * Effect of a `send()` above {@linkcode maxBuffered}: `"close"` closes the peer with 1013, `"drop"`
   * drops and counts the message, `"error"` throws.
   *
   * @default "close"
   */
  readonly overflow: "close" | "drop" | "error";
  /**
   * Interval of pings to a silent client, exact to 10 %. Many proxies end a connection that is silent
   * for 50 or 60 s. A client that sends messages needs no pings. 0 turns the pings off. Cloudflare
   * cannot send pings. Deno 2.9 pings only if {@linkcode idleTimeout} is not 0, and ends a client that
   * has not answered within another interval.
   *
   * @default 25_000, or half of `idleTimeout` if that is less
   */
  readonly pingInterval: number;
  /**
   * Longest silence of a client. If the client neither sends nor answers pings for this time, the
   * server ends the connection, with the close code 1006. Without pings, only messages of the
   * client keep the connection open. 0 turns the limit off.
   *
   * @default 60_000
   */
  readonly idleTimeout: number;
  /**
   * Longest time for `resolve`, `upgrade` and `handleProtocols` together. After this time the
   * client gets a 503. On Node, also the longest time that a refused client may take to read the
   * response.
   *
   * @default 10_000
   */
  readonly handshakeTimeout: number;
  /**
   * Longest wait for the client's answer to the server's close frame. The `close` hook waits at
   * most this time for a pending `open`, and for messages that have arrived.
   *
   * @default 10_000
   */
  readonly closeTimeout: number;
  /**
   * Most peers of the endpoint. Further clients get a 503.
   *
   * @default Infinity
   */
  readonly maxPeers: number;
  /**
   * Most peers with the same remote address; for IPv6 with the same /64. Further clients get a 429.
   *
   * @default Infinity
   */
  readonly maxPeersPerAddress: number;
  /**
   * Messages that a client may send per second, on average and in one burst. A client that sends more
   * is closed with 1008.
   *
   * @default Infinity
   */
  readonly messagesPerSecond: number;
  /**
   * Most topics that one peer may subscribe to. For a further topic, `subscribe()` throws a
   * `RangeError`.
   *
   * @default 1_000
   */
  readonly maxTopicsPerPeer: number;
  /**
   * Most bytes in the name of a topic (UTF-8). For a longer name, `subscribe()` and `publish()` of a
   * peer throw a `RangeError`.
   *
   * @default 1_024
   */
  readonly maxTopicLength: number;
  /**
   * Most messages of a topic's history that one `subscribe()` sends to a client.
   *
   * @default 1_000
   */
  readonly recoverLimit: number;
  /**
   * Most messages of one peer that may wait for a hook. With more, the server stops reading from
   * the connection. On Deno, uWebSockets.js and Cloudflare, which cannot stop reading, the server
   * closes the peer with 1013.
   *
   * @default 1_024
   */
  readonly pendingMessages: number;
  /**
   * Most bytes of one peer that may wait for a hook; at least {@linkcode maxPayload}.
   *
   * @default 2_097_152
   */
  readonly pendingBytes: number;
  /**
   * Most asynchronous `message` hooks of one peer that run at a time. 1 makes them strictly serial.
   *
   * @default Infinity
   */
  readonly concurrency: number;
  /**
   * `bufferedAmount` above which a peer counts as slow. When the peer has drained, `drain` is called.
   *
   * @default 65_536
   */
  readonly highWaterMark: number;
  /**
   * `bufferedAmount` at or below which a slow peer counts as drained.
   *
   * @default 0
   */
  readonly drainThreshold: number;
}

/** Defaults of all limits. */
export const DEFAULT_LIMITS: Limits = {
  maxPayload: 1024 * 1024,
  maxBuffered: 16 * 1024 * 1024,
  overflow: "close",
  pingInterval: 25_000,
  idleTimeout: 60_000,
  handshakeTimeout: 10_000,
  closeTimeout: 10_000,
  maxPeers: Infinity,
  maxPeersPerAddress: Infinity,
  messagesPerSecond: Infinity,
  maxTopicsPerPeer: 1_000,
  maxTopicLength: 1_024,
  recoverLimit: 1_000,
  pendingMessages: 1_024,
  pendingBytes: 2 * 1024 * 1024,
  concurrency: Infinity,
  highWaterMark: 64 * 1024,
  drainThreshold: 0,
};

const OVERFLOW_POLICIES: readonly unknown[] = ["close", "drop", "error"];
const AT_LEAST_ONE: readonly string[] = ["concurrency", "maxPayload", "maxBuffered"];
/** Longest time of a timer. All runtimes use 31 bits, and fire a timer with a longer time at once. */
export const MAX_TIME = 2_147_483_647;

/**
 * Checks the given limits, and fills in the defaults.
 *
 * @param path to the limits, for the error.
 * @throws {TypeError} for a limit that does not exist or has the wrong type.
 * @throws {RangeError} for a number out of range.
 */
export function resolveLimits(given: Partial<Limits> = {}, path = "limits."): Limits {
  checkNames(given, Object.keys(DEFAULT_LIMITS), { kind: "limit", path });
  const own = givenOptions(given), limits: Limits = { ...DEFAULT_LIMITS, ...own };
  for (const [name, value] of Object.entries(limits)) checkLimit(name, value, path);
  const { idleTimeout, pendingBytes, maxPayload } = limits;
  const { pingInterval = Math.min(limits.pingInterval, idleTimeout / 2 || Infinity) } = own;
  const checked = { ...limits, pingInterval, pendingBytes: Math.max(pendingBytes, maxPayload) };
  checkOrder(checked, "drainThreshold", "highWaterMark");
  if (idleTimeout) checkOrder(checked, "pingInterval", "idleTimeout");
  return checked;
}

function checkOrder(limits: Limits, lower: keyof Limits, higher: keyof Limits): void {
  if (limits[lower] <= limits[higher]) return;
  throw new RangeError(
    `Cannot use these limits as ${lower} must not be over ${higher}: ${limits[lower]} > ${
      limits[higher]
    }`,
  );
}

function checkLimit(name: string, value: unknown, path: string): void {
  if (name === "overflow") {
    if (OVERFLOW_POLICIES.includes(value)) return;
    throw new TypeError(invalidOption(`${path}overflow`, '"close", "drop" or "error"', value));
  }
  const least = AT_LEAST_ONE.includes(name) ? 1 : 0;
  checkNumber(path + name, value, least, /Timeout|Interval/.test(name) ? MAX_TIME : Infinity);
}

/**
 * Checks that an option is a number in a range.
 *
 * @throws {TypeError} for a value that is not a number.
 * @throws {RangeError} for a number out of the range.
 */
export function checkNumber(name: string, value: unknown, least: number, most: number): void {
  if (typeof value !== "number") {
    throw new TypeError(invalidOption(name, "a number", value));
  }
  if (value >= least && value <= most) return;
  throw new RangeError(invalidOption(name, `${least} to ${most}`, value));
}
