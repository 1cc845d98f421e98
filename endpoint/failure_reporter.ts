import { logError } from "../common/errors.ts";
import type { UpgradeRequest } from "../handshake/handshake.ts";
import { type HookOptions, isThenable } from "./hooks.ts";

/** Reports a failure that belongs to no peer: to the option `onError`, or to the console. */
export class FailureReporter {
  readonly #onError: HookOptions["onError"];

  constructor(onError: HookOptions["onError"]) {
    this.#onError = onError;
  }

  /** Reports a failure. Never throws, even if the option throws or rejects. */
  report(error: unknown, stage: string, request?: UpgradeRequest): void {
    const failed = (thrown: unknown) => logError("the option onError itself failed", thrown);
    try {
      if (!this.#onError) {
        const what = request ? "a peer could not be created" : "other nodes cannot be reached";
        return logError(`${what} (${stage})`, error);
      }
      const result: unknown = this.#onError(error, request ? { stage, request } : { stage });
      if (isThenable(result)) Promise.resolve(result).then(undefined, failed);
    } catch (thrown) {
      failed(thrown);
    }
  }
}
