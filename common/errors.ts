/**
 * Stable codes of a {@linkcode PeerError}.
 *
 * | code | meaning |
 * | --- | --- |
 * | `ERR_PEER_PROTOCOL` | the client broke RFC 6455 (close code 1002), or a limit of `ws` (1008) |
 * | `ERR_PEER_INVALID_DATA` | the client sent text that is not UTF-8 (1007) |
 * | `ERR_PEER_TOO_LARGE` | a message is over `limits.maxPayload` (1009) |
 * | `ERR_PEER_BUFFER_FULL` | a send would exceed `limits.maxBuffered`, and `limits.overflow` is `"error"` |
 * | `ERR_PEER_HOOK` | a hook threw a value that is no `Error`, or a frozen `Error`: see `cause` |
 * | `ERR_PEER_UPGRADE_TIMEOUT` | the hooks of a handshake took longer than `limits.handshakeTimeout` |
 * | `ERR_PEER_NOT_COMMITTED` | the broker has not confirmed a `commit()`: repeat it with the same `key` |
 * | `ERR_PEER_STATE_TOO_LARGE` | topics and context of a peer cannot be kept through hibernation |
 */
export type PeerErrorCode =
  | "ERR_PEER_PROTOCOL"
  | "ERR_PEER_INVALID_DATA"
  | "ERR_PEER_TOO_LARGE"
  | "ERR_PEER_BUFFER_FULL"
  | "ERR_PEER_HOOK"
  | "ERR_PEER_UPGRADE_TIMEOUT"
  | "ERR_PEER_NOT_COMMITTED"
  | "ERR_PEER_STATE_TOO_LARGE";

/**
 * A failure of the client, the connection, a limit or a hook. Match on {@linkcode PeerError.code},
 * never on the message.
 *
 * @example
 * ```ts
 * import { defineHooks, PeerError } from "@onepeer/onepeer";
 *
 * defineHooks({
 *   error(peer, error) {
 *     if (error instanceof PeerError && error.code === "ERR_PEER_TOO_LARGE") {
 *       console.log(`${peer} sent too much`);
 *     }
 *   },
 * });
 * ```
 */
export class PeerError extends Error {
  /** Always `"PeerError"`. */
  override readonly name = "PeerError";
  /** Stable code of the failure. */
  readonly code: PeerErrorCode;

  /** Called by the library only. The class is exported for `instanceof`. */
  constructor(code: PeerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const TRANSPORT_CODES: Readonly<Record<number, PeerErrorCode>> = {
  1007: "ERR_PEER_INVALID_DATA",
  1009: "ERR_PEER_TOO_LARGE",
};

/** Returns the error for a failed connection, by its close code. */
export function transportError(
  { code, message, cause }: {
    readonly code: number;
    readonly message: string;
    readonly cause?: unknown;
  },
): PeerError {
  return new PeerError(TRANSPORT_CODES[code] ?? "ERR_PEER_PROTOCOL", message, { cause });
}

/** An error as the `error` hook gets it: {@linkcode hook} names the hook that failed. */
export type HookError = Error & {
  /** Name of the hook that threw; `undefined` if the transport failed. */
  hook?: string;
};

/** Turns the value that a hook threw into an error that names the hook. */
export function hookError(hook: string, thrown: unknown): HookError {
  const property = { value: hook, configurable: true, writable: true };
  let message = `The ${hook} hook threw a value that is not an Error`;
  try {
    if (thrown instanceof Error) {
      if (Reflect.defineProperty(thrown, "hook", property)) return thrown;
      message = thrown.message;
    }
  } catch { /* a proxy that throws at each access: wrapped like any other value */ }
  const error = new PeerError("ERR_PEER_HOOK", message, { cause: thrown });
  return Object.defineProperty(error, "hook", property);
}

/** Returns the message for an invalid option or argument: what was tried, wanted and found. */
export function invalidOption(name: string, wanted: string, found: unknown): string {
  return `Cannot use ${name} as it must be ${wanted}: current value is ${shown(found)}`;
}

/** Returns a value as errors show it: a string in quotes, and only the type of an object. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return Object(value) === value ? `of type ${typeName(value)}` : String(value);
}

/** Returns the type of a value by its tag: `"Object"`, `"Map"`, `"Undefined"`. */
export function typeName(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Logs an error to the console. Never throws, even if the error cannot be printed. */
export function logError(message: string, error: unknown): void {
  try {
    console.error(`onepeer: ${message}`, error);
  } catch {
    console.error(`onepeer: ${message}, with an error that cannot be printed`);
  }
}
