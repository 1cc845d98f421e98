import { type Limits, resolveLimits } from "../common/limits.ts";
import { givenOptions } from "../common/option_names.ts";
import type { Timers } from "../common/timers.ts";
import type { OriginRules } from "../handshake/origin_guard.ts";
import { checkLimitNames, checkTrust, type ConnectionOptions } from "./connection_options.ts";
import { LivenessClock } from "./liveness.ts";

/** The options in force for a connection: those of its hooks, and those of the endpoint for the rest. */
export interface ConnectionSettings extends OriginRules {
  /** All limits. The two that count peers are those of the endpoint. */
  readonly limits: Limits;
  /** Checks the liveness of connections; `undefined` without `pingInterval` and `idleTimeout`. */
  readonly idle: LivenessClock | undefined;
}

/** Most clocks to keep, for hooks with times of their own. */
const MAX_CLOCKS = 64;

/**
 * Largest `maxPayload` of hooks that `resolve` returns, on runtimes with one limit for all
 * connections: as many bytes as `maxBuffered` lets a client occupy by default.
 */
const MOST_RESOLVED = 16 * 1024 * 1024;

/** Puts the options of hooks over the options of an endpoint. */
export class SettingsChooser {
  /** Settings of a connection whose hooks carry no options. */
  readonly base: ConnectionSettings;
  /**
   * Largest message of any connection, for runtimes that have one limit for all connections. If the
   * endpoint was given no limit, hooks that `resolve` returns may have a larger limit than `base`.
   */
  readonly mostPayload: number;
  readonly #timers: Timers;
  /** Limits that the endpoint was given. Defaults can depend on the limits that hooks set. */
  readonly #given: Partial<Limits>;
  /** Clocks by their times: hooks that `resolve` makes anew for each connection share a clock. */
  readonly #clocks = new Map<string, LivenessClock>();

  /**
   * @param options of the endpoint, whose hooks may carry options too.
   * @throws {TypeError} for an option of the wrong type.
   * @throws {RangeError} for a limit out of range.
   */
  constructor(
    options: ConnectionOptions & {
      readonly limits?: Partial<Limits>;
      readonly hooks?: ConnectionOptions;
      readonly resolve?: unknown;
    },
    timers: Timers,
  ) {
    const { limits = {}, hooks = {}, resolve } = options;
    this.#timers = timers;
    this.#given = limits;
    checkTrust(options);
    const all = resolveLimits(limits);
    this.base = {
      limits: all,
      allowedOrigins: options.allowedOrigins,
      trustedHops: Number(options.trustProxy ?? 0),
      idle: this.#clock(all),
    };
    this.base = this.of(hooks, "hooks.");
    this.#given = { ...givenOptions(limits), ...givenOptions(hooks.limits ?? {}) };
    const { maxPayload } = this.base.limits;
    const isOpen = resolve !== undefined && this.#given.maxPayload === undefined;
    this.mostPayload = isOpen ? Math.max(maxPayload, MOST_RESOLVED) : maxPayload;
  }

  /**
   * Returns the settings for the connections of some hooks.
   *
   * @param path to the options, for the error.
   * @throws {TypeError} for an option of the wrong type.
   * @throws {RangeError} for a limit out of range.
   */
  of(hooks: ConnectionOptions, path: string): ConnectionSettings {
    const { limits, allowedOrigins, trustProxy } = hooks;
    checkTrust(hooks, path);
    if (limits !== undefined) checkLimitNames(limits, `${path}limits.`);
    else if (allowedOrigins === undefined && trustProxy === undefined) return this.base;
    const all = limits === undefined ? this.base.limits : resolveLimits(
      { ...givenOptions(this.#given), ...givenOptions(limits) },
      `${path}limits.`,
    );
    return {
      limits: all,
      allowedOrigins: allowedOrigins ?? this.base.allowedOrigins,
      trustedHops: Number(trustProxy ?? this.base.trustedHops),
      idle: this.#clock(all),
    };
  }

  #clock(limits: Limits): LivenessClock | undefined {
    const { pingInterval, idleTimeout } = limits, times = `${pingInterval} ${idleTimeout}`;
    if (!pingInterval && !idleTimeout) return undefined;
    let clock = this.#clocks.get(times);
    if (!clock) {
      if (this.#clocks.size >= MAX_CLOCKS) this.#clocks.clear(); // connections keep their clocks
      this.#clocks.set(times, clock = new LivenessClock(this.#timers, limits));
    }
    return clock;
  }
}
