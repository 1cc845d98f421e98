import { invalidOption } from "../common/errors.ts";
import { isThenable } from "../common/thenable.ts";
import { encode } from "../socket/frame.ts";
import type { SyncDriver, SyncMessage } from "./sync_adapter.ts";
import { type LinkHost, MAX_CLOSING, type NodeLink, type NodePublish } from "./node_link.ts";

/** Link over the driver of a user, which sends each message to every other node. */
export class DriverLink implements NodeLink {
  readonly channels = 1;
  readonly #driver: SyncDriver;
  readonly #host: LinkHost;

  /** @throws {TypeError} for a value that is no driver, such as a promise. */
  constructor(driver: SyncDriver, host: LinkHost) {
    if (!driver?.subscribe || !driver.publish) {
      // The promise of an asynchronous function, which may reject too.
      if (isThenable<unknown>(driver)) Promise.resolve(driver).then(undefined, () => {});
      throw new TypeError(invalidOption("sync", "a function that returns a driver", driver));
    }
    this.#driver = driver;
    this.#host = host;
  }

  open(): void {
    this.#try(
      () => this.#driver.subscribe((message) => this.#received(message)),
      () => this.#host.up(false),
      (error) => this.#host.down(error),
    );
  }

  publish({ namespace, topic, frame }: NodePublish): void {
    const { counts } = this.#host;
    // For a driver, the empty name stands for all namespaces.
    if (namespace === "") {
      return this.#host.dropped(1, new RangeError('a driver cannot publish to the namespace ""'));
    }
    this.#try(
      () => this.#driver.publish({ namespace: namespace ?? "", topic, data: frame.payload }),
      () => {
        counts.framesOut++;
        counts.bytesOut += frame.byteLength;
      },
      (error) => this.#host.dropped(1, error),
    );
  }

  /** Rejects if the driver fails, or takes too long. */
  async close(): Promise<void> {
    if (await this.#host.timers.within(MAX_CLOSING, this.#driver.close?.())) return;
    throw new Error(`the driver's close() takes over ${MAX_CLOSING} ms`);
  }

  #received(message: SyncMessage): void {
    const { namespace, topic, data } = message ?? {}, { counts } = this.#host;
    counts.framesIn++;
    const isValid = typeof topic === "string" && typeof (namespace ?? "") === "string" &&
      (typeof data === "string" || ArrayBuffer.isView(data));
    if (!isValid) {
      counts.invalid++;
      return;
    }
    const frame = encode(data);
    counts.bytesIn += frame.byteLength;
    this.#host.deliver({ namespace: namespace || undefined, topic, frame, compress: true });
  }

  #try(call: () => void | Promise<void>, done: () => void, failed: (error: unknown) => void): void {
    // A driver may throw at the call, reject later, or return nothing.
    new Promise<void>((resolve) => resolve(call())).then(done, failed);
  }
}
