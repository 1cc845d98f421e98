import type { DurableStorage } from "./workerd.ts";

/** Storage key of {@linkcode Noted}. */
const KEY = "onepeer-alarm";

/** Times of both alarms, stored while ours is set. */
interface Noted {
  /** Time of our alarm. */
  readonly ours: number;
  /** Time of the user's alarm, which ours has replaced; `null` if none was set. */
  readonly theirs: number | null;
}

/** The one alarm of a Durable Object, shared with the user's class. */
export class SharedAlarm {
  readonly #storage: DurableStorage;

  constructor(storage: DurableStorage) {
    this.#storage = storage;
  }

  /** Makes the alarm ring within `ms`. A later alarm of the user is stored, and set again after ours. */
  async ringWithin(ms: number): Promise<void> {
    const current = await this.#storage.getAlarm();
    const ours = Date.now() + ms;
    if (current !== null && current <= ours) return;
    await this.#storage.put(KEY, { ours, theirs: current } satisfies Noted);
    await this.#storage.setAlarm(ours);
  }

  /**
   * Handles the alarm's ring. Sets the user's alarm again if its time has not come.
   *
   * @returns Whether the user's alarm is due.
   */
  async rang(): Promise<boolean> {
    const noted = await this.#storage.get(KEY) as Noted | undefined;
    if (!noted) return true;
    await this.#storage.delete(KEY);
    const { ours, theirs } = noted;
    const now = Date.now();
    if (now < ours) return true; // the user has set the alarm meanwhile
    if (theirs === null) return false;
    if (theirs <= now) return true;
    if (await this.#storage.getAlarm() === null) await this.#storage.setAlarm(theirs);
    return false;
  }
}
