/**
 * Stable names for what goes wrong in the world outside the caller's code.
 *
 * | code | what happened |
 * | --- | --- |
 * | `ERR_PEER_PROTOCOL` | the client broke RFC 6455 (close code 1002) |
 * | `ERR_PEER_INVALID_DATA` | the client sent text that is not UTF-8 (1007) |
 * | `ERR_PEER_TOO_LARGE` | a message is over `limits.maxPayload` (1009) |
 * | `ERR_PEER_BUFFER_FULL` | a send would exceed `limits.maxBuffered` under the policy `"error"` |
 * | `ERR_PEER_HOOK` | a hook threw something that is not an `Error`; it is the `cause` |
 * | `ERR_PEER_UPGRADE_TIMEOUT` | the `upgrade` hook took longer than `limits.handshakeTimeout` |
 * | `ERR_PEER_STATE_TOO_LARGE` | topics and context of a peer cannot be kept through hibernation |
 * | `ERR_PEER_BACKPLANE` | other processes could not be told |
 */
export type PeerErrorCode =
  | "ERR_PEER_PROTOCOL"
  | "ERR_PEER_INVALID_DATA"
  | "ERR_PEER_TOO_LARGE"
  | "ERR_PEER_BUFFER_FULL"
  | "ERR_PEER_HOOK"
  | "ERR_PEER_UPGRADE_TIMEOUT"
  | "ERR_PEER_STATE_TOO_LARGE"
  | "ERR_PEER_BACKPLANE";

/**
 * A failure of the world: the client, the line, a limit. Match on
 * {@linkcode PeerError.code}, never on the message.
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
  /** What happened, in a word that never changes. */
  readonly code: PeerErrorCode;

  /** Made by the library; exported so that `instanceof` works. */
  constructor(code: PeerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An error as the `error` hook gets it: {@linkcode hook} names the hook that failed. */
export type HookError = Error & {
  /** The hook that threw, or `undefined` where the transport failed. */
  hook?: string;
};

/** Makes whatever a hook threw into an error that says which hook it was. */
export function hookError(hook: string, thrown: unknown): HookError {
  const property = { value: hook, configurable: true, writable: true };
  let message = `The ${hook} hook threw a value that is not an Error`;
  try {
    if (thrown instanceof Error) {
      if (Reflect.defineProperty(thrown, "hook", property)) return thrown;
      message = thrown.message;
    }
  } catch { /* a proxy that answers nothing: wrapped like any other value */ }
  const error = new PeerError("ERR_PEER_HOOK", message, { cause: thrown });
  return Object.defineProperty(error, "hook", property);
}

/** What is wrong with an option or argument: what was tried, wanted, found. */
export function invalidOption(name: string, wanted: string, found: unknown): string {
  return `Cannot use ${name} as it must be ${wanted}: current value is ${String(found)}`;
}

/** Tells the console; never throws, even if the error cannot be printed. */
export function logError(message: string, error: unknown): void {
  try {
    console.error(`onepeer: ${message}`, error);
  } catch {
    console.error(`onepeer: ${message}, with an error that cannot be printed`);
  }
}
