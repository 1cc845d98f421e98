import { invalidOption } from "../../common/errors.ts";
import { checkNames } from "../../common/option_names.ts";
import type { Limits } from "../../common/limits.ts";

/** Options of `ws` that are also limits. */
const LIMITS: readonly (keyof Limits)[] = ["maxPayload", "closeTimeout"];

/** Options of `ws` that have no effect here, with the reason. */
const INERT: Readonly<Record<string, string>> = {
  port: "the server that calls handleUpgrade listens",
  host: "the server that calls handleUpgrade listens",
  backlog: "the server that calls handleUpgrade listens",
  server: "the server that calls handleUpgrade listens",
  skipUTF8Validation: "text is always checked for UTF-8",
  maxPendingAutoPongs: "the adapter sets it",
};

interface GivenOptions {
  readonly wss?: unknown;
  readonly serverOptions?: object;
  readonly perMessageDeflate?: unknown;
  readonly endpoint?: unknown;
  readonly limits?: Partial<Limits>;
}

/**
 * Takes the limits in `serverOptions` that `limits` does not set.
 *
 * @throws {TypeError} for a `wss` that is no server of `ws`, and for an entry of `serverOptions` that
 * would have no effect.
 */
export function withServerLimits<Options extends GivenOptions>(options: Options): Options {
  const { wss, serverOptions, limits, endpoint, perMessageDeflate } = options;
  if (wss !== undefined) checkServer(wss);
  if (serverOptions === undefined) return options;
  if (wss !== undefined) {
    throw new TypeError(
      "Cannot use serverOptions together with wss: give the options to your WebSocketServer",
    );
  }
  checkNames(serverOptions, Object.keys(Object(serverOptions)), { path: "serverOptions." });
  const given = new Map(Object.entries(serverOptions).filter(([, value]) => value !== undefined));
  for (const [name, reason] of Object.entries(INERT)) {
    const isGiven = ![undefined, null, false].includes(given.get(name));
    if (isGiven) throw new TypeError(`Cannot use serverOptions.${name} as ${reason}`);
  }
  if (given.has("perMessageDeflate") && perMessageDeflate !== undefined) {
    throw twice("perMessageDeflate", "perMessageDeflate");
  }
  const taken: Record<string, unknown> = {};
  for (const name of LIMITS) {
    if (!given.has(name)) continue;
    if (endpoint !== undefined || limits?.[name] !== undefined) throw twice(name, `limits.${name}`);
    taken[name] = given.get(name);
  }
  return Object.keys(taken).length > 0 ? { ...options, limits: { ...limits, ...taken } } : options;
}

function checkServer(wss: unknown): void {
  const { options, handleUpgrade, on } = Object(wss);
  if (typeof handleUpgrade === "function" && typeof on === "function" && options) return;
  throw new TypeError(invalidOption("wss", "a WebSocketServer of ws", wss));
}

function twice(name: string, other: string): TypeError {
  return new TypeError(`Cannot use serverOptions.${name} as ${other} decides: set only ${other}`);
}
