import { Deferred } from "../../common/deferred.ts";
import type { PostgresJsClient, PostgresJsListener } from "./clients.ts";

/** A name to which postgres.js listens. */
interface Entry {
  /** Callback for notifications, by which postgres.js knows the listener after a reconnect. */
  readonly notified: (payload: string) => void;
  /** Rejects if the first attempt fails. */
  readonly listener: Promise<PostgresJsListener>;
  /** The server's process that has confirmed the name. */
  pid: number | null | undefined;
  confirmed: Deferred;
}

/** A property of `listen` of postgres.js 3.4, which its documentation does not name. */
interface Channels {
  readonly channels?: Record<
    string,
    { listeners?: readonly { readonly fn?: unknown }[] } | undefined
  >;
}

/** Milliseconds that postgres.js has to listen to a name again by itself. */
const CONFIRM_MS = 1000;

/** Whether a promise resolves within a time. */
async function isInTime(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => timer = setTimeout(resolve, ms, false));
  const result = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return result;
}

/** Receiver of the events of {@linkcode PostgresJsNames}. */
export interface PostgresJsNamesHost {
  /** A notification has arrived. Returns whether its name is wanted. */
  received(name: string, payload: string): boolean;
  /** The connection listens to a name again. */
  confirmed(): void;
}

/**
 * Names to which a postgres.js client listens for one node. They outlive a session: postgres.js
 * connects again and listens to all names by itself, and has no way to turn that off.
 *
 * postgres.js 3.4 does not report a lost connection. The id of the server process shows a
 * reconnect: each connection has its own process.
 */
export class PostgresJsNames {
  readonly #client: PostgresJsClient;
  readonly #entries = new Map<string, Entry>();
  /** Callbacks of this node. */
  readonly #notified = new WeakSet<object>();
  /** State of the only connection that listens. postgres.js writes the new process into it. */
  #state: PostgresJsListener["state"] | undefined;
  #host: PostgresJsNamesHost | undefined;

  constructor(client: PostgresJsClient) {
    this.#client = client;
  }

  /** Id of the server process behind the listening connection. */
  get pid(): number | null | undefined {
    return this.#state?.pid;
  }

  /** Reports to this host from now on. */
  reportTo(host: PostgresJsNamesHost | undefined): void {
    this.#host = host;
  }

  /**
   * Resolves when the present connection listens to a name.
   *
   * After a reconnect, postgres.js 3.4 listens to each name once more, and ignores a failure: then
   * the name would be lost until the next reconnect. So this asks again after a while.
   */
  async listen(name: string): Promise<void> {
    let entry = this.#entries.get(name) ?? this.#add(name);
    await entry.listener;
    while (entry.pid !== this.pid) {
      if (await isInTime(entry.confirmed.promise, CONFIRM_MS)) continue;
      if (this.#entries.get(name) === entry) this.#add(name);
      entry = this.#entries.get(name) ?? this.#add(name);
      await entry.listener;
    }
  }

  async unlisten(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    const listener = await entry?.listener;
    this.#forget(name);
    await listener?.unlisten();
  }

  /**
   * Removes the listeners of this node from a name, except the present one. After a reconnect,
   * postgres.js 3.4 has new objects for its listeners. So `unlisten` finds another listener than its
   * own, and would leave the name at the server for ever.
   */
  #forget(name: string): void {
    const channel = (this.#client.listen as Channels).channels?.[name];
    const present = this.#entries.get(name)?.notified;
    if (!channel?.listeners) return;
    channel.listeners = channel.listeners.filter(({ fn }) => {
      return fn === present || !this.#notified.has(fn as object);
    });
  }

  /** Ends all names. */
  async clear(): Promise<void> {
    const names = [...this.#entries.keys()];
    await Promise.allSettled(names.map((name) => this.unlisten(name)));
  }

  #add(name: string): Entry {
    const confirmed = () => {
      entry.pid = this.pid;
      entry.confirmed.resolve();
      entry.confirmed = new Deferred();
      this.#host?.confirmed();
    };
    const notified = (payload: string) => {
      if (this.#entries.get(name) !== entry) return;
      // While there was no session, nothing could tell the server that the name is not wanted.
      if (this.#host?.received(name, payload) === false) this.unlisten(name).catch(() => {});
    };
    this.#notified.add(notified);
    const entry: Entry = {
      notified,
      pid: undefined,
      confirmed: new Deferred(),
      listener: this.#client.listen(name, notified, () => this.#state && confirmed()),
    };
    this.#entries.set(name, entry);
    const { channels } = this.#client.listen as Channels, channel = channels?.[name];
    entry.listener.then(({ state }) => {
      this.#state ??= state;
      confirmed();
    }, () => {
      // postgres.js keeps the failed listener, tries again, and does not return a way to end it. The
      // next call adds another one, so this one must not deliver too.
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
      // postgres.js would answer each later call with the same failure, and not ask the server.
      if (channels && channel && channels[name] === channel) delete channels[name];
    });
    return entry;
  }
}
