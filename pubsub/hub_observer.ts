import { logError } from "../common/errors.ts";

/**
 * Methods that a hub calls after a change. Each is optional. A hub gets its observers as a
 * {@linkcode Notifier}: `new Hub(new Notifier([observer]))`.
 *
 * - **Order.** Every observer receives every notice, in the order of the changes. The first
 *   subscriber of a topic causes `topicAdded`, then `subscribed`. The last one causes
 *   `unsubscribed`, then `topicRemoved`. A peer that closes ends its subscriptions, then `left`
 *   follows. Each notice goes to the observers in the order of their list.
 * - **Time.** A method runs within the call that caused the change, and after the change is
 *   complete: the hub's counts and namespaces include the change.
 * - **Calls back.** A method may call the hub and its members, to publish, subscribe or close for
 *   example. Such a change takes effect at once. Its notices follow after every observer has received
 *   the present one, so no observer sees `topicRemoved` before `topicAdded`. The state of the hub can
 *   therefore be newer than a notice.
 * - **Errors.** An observer cannot refuse a change. The hub logs an exception with `console.error`,
 *   and then goes on as if the method had returned: the change stays, the other observers get the
 *   notice, and the caller sees no error. The hub does not await a method: asynchronous work must
 *   catch its own errors.
 * - **No notice.** A second subscription to the same topic, the move of a member between broadcast
 *   domains, and a publish cause no notice.
 * - **Cost.** A hub without observers makes no notices.
 */
export interface HubObserver<M> {
  /** Called when a topic has its first subscriber in a namespace. */
  topicAdded?(namespace: string, topic: string): void;
  /** Called when the last subscriber of a topic in a namespace has gone. */
  topicRemoved?(namespace: string, topic: string): void;
  /** Called when a member has subscribed to a topic. */
  subscribed?(namespace: string, topic: string, member: M): void;
  /** Called when the subscription of a member has ended, by a call or because the member closed. */
  unsubscribed?(namespace: string, topic: string, member: M): void;
  /** Called when a member has joined a namespace: a client has connected. */
  joined?(namespace: string, member: M): void;
  /** Called when a member has left its namespace: its connection has ended. */
  left?(namespace: string, member: M): void;
}

/** Name of an observer's method, and its arguments. */
export type Notice<M> =
  | readonly ["topicAdded" | "topicRemoved", namespace: string, topic: string]
  | readonly ["subscribed" | "unsubscribed", namespace: string, topic: string, member: M]
  | readonly ["joined" | "left", namespace: string, member: M];

/** Gives the notices of one hub to its observers, one notice at a time. */
export class Notifier<M> {
  readonly #observers: readonly HubObserver<M>[];
  /** Notices that have not reached all observers, the present one included. */
  readonly #queue: Notice<M>[] = [];
  #isFlushing = false;

  constructor(observers: readonly HubObserver<M>[]) {
    this.#observers = observers;
  }

  /**
   * Gives the notices of one change to all observers; `false` stands for no notice. If an observer
   * causes the change, the notices wait until all observers have received the present one.
   */
  notify(...notices: readonly (Notice<M> | false)[]): void {
    this.#queue.push(...notices.filter((notice) => notice !== false));
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    for (const [method, ...args] of this.#queue) { // reaches notices that observers cause, too
      for (const observer of this.#observers) {
        try {
          // Each notice has the arguments of its method.
          (observer[method] as ((...args: unknown[]) => void) | undefined)?.apply(observer, args);
        } catch (error) {
          logError("an observer of the hub failed", error);
        }
      }
    }
    this.#queue.length = 0;
    this.#isFlushing = false;
  }
}
