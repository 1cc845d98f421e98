import type { DurableStorage } from "./workerd.ts";

/** Where ours is written down, beside the user's own that it took the place of. */
const KEY = "onepeer-alarm";

interface Noted {
  readonly ours: number;
  readonly theirs: number | null;
}

/** The one alarm of a Durable Object, shared with the class that the user wrote. */
export class SharedAlarm {
  readonly #storage: DurableStorage;

  constructor(storage: DurableStorage) {
    this.#storage = storage;
  }

  /** Makes sure that it rings in `ms` at the latest; the user's own is put off, not lost. */
  async ringWithin(ms: number): Promise<void> {
    const current = await this.#storage.getAlarm();
    const ours = Date.now() + ms;
    if (current !== null && current <= ours) return;
    await this.#storage.put(KEY, { ours, theirs: current } satisfies Noted);
    await this.#storage.setAlarm(ours);
  }

  /** It rings. Returns whether that is the user's own alarm; sets that one again where it is not yet time. */
  async rang(): Promise<boolean> {
    const noted = await this.#storage.get(KEY) as Noted | undefined;
    if (!noted) return true;
    await this.#storage.delete(KEY);
    const { ours, theirs } = noted;
    const now = Date.now();
    if (now < ours) return true; // set by the user since
    if (theirs === null) return false;
    if (theirs <= now) return true;
    if (await this.#storage.getAlarm() === null) await this.#storage.setAlarm(theirs);
    return false;
  }
}
