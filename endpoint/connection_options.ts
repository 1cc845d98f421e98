import { invalidOption } from "../common/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../common/limits.ts";
import { checkNames } from "../common/option_names.ts";
import { type AllowedOrigins, checkAllowedOrigins } from "../handshake/allowed_origins.ts";

/** Limits that hooks can set for their connections: all but the two that count peers. */
export type ConnectionLimits = Omit<Limits, "maxPeers" | "maxPeersPerAddress">;

/**
 * Options for the connections of some hooks. A framework that creates the adapter for you takes hooks
 * only, and these options are properties of the hooks. Each option, and each limit, that the hooks set
 * overrides that of the adapter.
 */
export interface ConnectionOptions {
  /**
   * Limits of these connections. `maxPeers` and `maxPeersPerAddress` are not possible here: they
   * count all peers, before the hooks of a connection are known.
   *
   * Bun and uWebSockets.js have one `maxPayload` for the whole server. If the adapter sets
   * `limits.maxPayload`, hooks can only lower it. Otherwise hooks that `resolve` returns can raise it
   * to 16 MiB. A connection with its own `maxBuffered` or `highWaterMark` gets no native broadcasts
   * there, and each publish is sent to it separately.
   */
  readonly limits?: Partial<ConnectionLimits>;
  /**
   * Other origins that may connect with cookies or `Authorization`: origins, patterns, a function,
   * or `"*"` for all. The server's own host is always admitted. For a wildcard, write a RegExp:
   * `/^https:\/\/[\w-]+\.example\.com$/`. The entry `"null"` admits all pages with an opaque origin:
   * local files, and any page in a sandboxed frame.
   *
   * @default none
   */
  readonly allowedOrigins?: AllowedOrigins;
  /**
   * Whether to trust `X-Forwarded-For`, `-Host` and `-Proto`: `true` for one proxy in front, or the
   * number of proxies. Each proxy must set these headers or append to them.
   *
   * @default false
   */
  readonly trustProxy?: boolean | number;
}

/** Names of all {@linkcode ConnectionOptions}. */
export const CONNECTION_OPTIONS: readonly (keyof ConnectionOptions)[] = [
  "limits",
  "allowedOrigins",
  "trustProxy",
];

/** Limits that count all peers of an endpoint. */
const COUNTS: readonly string[] = ["maxPeers", "maxPeersPerAddress"];
const CONNECTION_LIMITS = Object.keys(DEFAULT_LIMITS).filter((name) => !COUNTS.includes(name));

/**
 * Checks the names of limits that hooks set. `resolveLimits` checks their values.
 *
 * @param path to the limits, for the error.
 * @throws {TypeError} for a limit that does not exist, and for one that counts all peers.
 */
export function checkLimitNames(limits: unknown, path: string): void {
  checkNames(limits, CONNECTION_LIMITS, {
    kind: "limit of a connection",
    path,
    advice: `; ${COUNTS.join(" and ")} belong to the adapter`,
  });
}

/**
 * Checks `allowedOrigins` and `trustProxy`.
 *
 * @param path to the options, for the error. `""` for the options of an adapter.
 * @throws {TypeError} for an option of the wrong type.
 */
export function checkTrust(
  { allowedOrigins, trustProxy = false }: ConnectionOptions,
  path = "",
): void {
  const isCount = typeof trustProxy === "number" && Number.isInteger(trustProxy) && trustProxy >= 0;
  if (typeof trustProxy !== "boolean" && !isCount) {
    const name = `${path}trustProxy`;
    throw new TypeError(invalidOption(name, "a boolean or the number of proxies", trustProxy));
  }
  checkAllowedOrigins(allowedOrigins, `${path}allowedOrigins`);
}
