import { invalidOption } from "./errors.ts";

/**
 * Bounds that hold on every runtime alike. They belong to the endpoint. Sizes
 * are bytes, times milliseconds.
 */
export interface Limits {
  /**
   * Largest message a client may send, after inflation. Over it: 1009.
   *
   * @default 1_048_576
   */
  readonly maxPayload: number;
  /**
   * Most bytes that may wait for one client. What happens over it: {@linkcode overflow}.
   *
   * @default 16_777_216
   */
  readonly maxBuffered: number;
  /**
   * What a `send` over {@linkcode maxBuffered} does: `"close"` the peer with
   * 1013, `"drop"` this message and count it, or throw an `"error"`.
   *
   * @default "close"
   */
  readonly overflow: "close" | "drop" | "error";
  /**
   * A client that is silent this long is gone (1006); it is pinged after half of it. 0 turns it off.
   *
   * @default 120_000
   */
  readonly idleTimeout: number;
  /**
   * How long the `upgrade` hook may take before the client gets a 503.
   *
   * @default 10_000
   */
  readonly handshakeTimeout: number;
  /**
   * How long a client may take to answer our close, and a `close` hook may wait for what came before it.
   *
   * @default 10_000
   */
  readonly closeTimeout: number;
  /**
   * Most peers of the endpoint. Over it: 503.
   *
   * @default Infinity
   */
  readonly maxPeers: number;
  /**
   * Most peers with one remote address, of IPv6 with one /64. Over it: 429.
   *
   * @default Infinity
   */
  readonly maxPeersPerAddress: number;
  /**
   * Messages a client may send per second, on average and in one burst. Over it: 1008.
   *
   * @default Infinity
   */
  readonly messagesPerSecond: number;
  /**
   * Most topics one peer may be subscribed to. Over it: `RangeError`.
   *
   * @default 1_000
   */
  readonly maxTopicsPerPeer: number;
  /**
   * Most messages of one peer that may wait for a hook before its reader is paused.
   *
   * @default 1_024
   */
  readonly pendingMessages: number;
  /**
   * Most bytes of one peer that may wait for a hook; never under {@linkcode maxPayload}.
   *
   * @default 2_097_152
   */
  readonly pendingBytes: number;
  /**
   * How many asynchronous `message` hooks of one peer may run at a time. 1 makes them strictly serial.
   *
   * @default Infinity
   */
  readonly concurrency: number;
  /**
   * `bufferedAmount` above which a peer counts as slow and will get a `drain`.
   *
   * @default 65_536
   */
  readonly highWaterMark: number;
  /**
   * `bufferedAmount` at which a slow peer has drained.
   *
   * @default 0
   */
  readonly drainThreshold: number;
}

/** What holds where an option is left out. */
export const DEFAULT_LIMITS: Limits = {
  maxPayload: 1024 * 1024,
  maxBuffered: 16 * 1024 * 1024,
  overflow: "close",
  idleTimeout: 120_000,
  handshakeTimeout: 10_000,
  closeTimeout: 10_000,
  maxPeers: Infinity,
  maxPeersPerAddress: Infinity,
  messagesPerSecond: Infinity,
  maxTopicsPerPeer: 1_000,
  pendingMessages: 1_024,
  pendingBytes: 2 * 1024 * 1024,
  concurrency: Infinity,
  highWaterMark: 64 * 1024,
  drainThreshold: 0,
};

const OVERFLOW_POLICIES: readonly unknown[] = ["close", "drop", "error"];
const AT_LEAST_ONE: readonly string[] = ["concurrency", "maxPayload", "maxBuffered"];
/** Timers of every runtime hold 31 bits: a longer time would fire at once. */
export const MAX_TIME = 2_147_483_647;

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} for a limit that does not exist or is not a number.
 * @throws {RangeError} for a number no limit can have.
 */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  for (const name in set) checkLimit(name, set[name]);
  const limits: Limits = { ...DEFAULT_LIMITS, ...set };
  if (limits.drainThreshold > limits.highWaterMark) {
    throw new RangeError(
      `Cannot use these limits as drainThreshold must not be over highWaterMark: ${limits.drainThreshold} > ${limits.highWaterMark}`,
    );
  }
  return { ...limits, pendingBytes: Math.max(limits.pendingBytes, limits.maxPayload) };
}

function checkLimit(name: string, value: unknown): void {
  if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
    throw new TypeError(
      `Cannot use limits.${name} as there is no such limit: known are ${
        Object.keys(DEFAULT_LIMITS).join(", ")
      }`,
    );
  }
  if (name === "overflow") {
    if (OVERFLOW_POLICIES.includes(value)) return;
    throw new TypeError(invalidOption("limits.overflow", '"close", "drop" or "error"', value));
  }
  const least = AT_LEAST_ONE.includes(name) ? 1 : 0;
  checkNumber(`limits.${name}`, value, least, name.endsWith("Timeout") ? MAX_TIME : Infinity);
}

/**
 * Makes sure that an option is a number in a range.
 *
 * @throws {TypeError} for no number.
 * @throws {RangeError} for one out of the range.
 */
export function checkNumber(name: string, value: unknown, least: number, most: number): void {
  if (typeof value !== "number") {
    throw new TypeError(invalidOption(name, "a number", value));
  }
  if (value >= least && value <= most) return;
  throw new RangeError(invalidOption(name, `${least} to ${most}`, value));
}
