import { logError } from "../../common/errors.ts";
import { type DurableContext, type DurableStorage, KEYS } from "./workerd.ts";

/** Storage key of {@linkcode Noted}. */
const KEY = `${KEYS}alarm`;
/** Storage key of {@linkcode Noted} in earlier versions. */
const OLD_KEY = "onepeer-alarm";

/** Most repetitions of a failed alarm, and milliseconds before the first one, as in workerd. */
const MAX_REPEATS = 6, FIRST_REPEAT_MS = 2000;

/** Times of both alarms. */
interface Noted {
  /** Time of our alarm; `null` if none is set. */
  readonly ours: number | null;
  /** Time of the user's alarm; `null` if none is set. */
  readonly theirs: number | null;
}

/** Methods of a Durable Object's storage that concern its alarm. */
interface AlarmStorage extends DurableStorage {
  setAlarm(time: number | Date, options?: unknown): Promise<void>;
  getAlarm(options?: unknown): Promise<number | null>;
  deleteAlarm(options?: unknown): Promise<void>;
  deleteAll(options?: unknown): Promise<void>;
  transaction<T>(work: (transaction: AlarmStorage) => Promise<T>): Promise<T>;
}

/** The methods of the runtime, which {@linkcode SharedAlarm} replaces for the user. */
type Native = Pick<
  AlarmStorage,
  "get" | "put" | "delete" | "setAlarm" | "getAlarm" | "deleteAlarm"
>;

/** Alarms by storage, since the user's class may need its alarm before the endpoint exists. */
const alarms = new WeakMap<object, SharedAlarm>();

/**
 * The one alarm of a Durable Object, shared with the user's class.
 *
 * The runtime has one alarm, and a new time replaces the old time. So this class replaces
 * `setAlarm`, `getAlarm` and `deleteAlarm` of the object's storage. The user's calls concern the
 * user's time only. The alarm of the runtime rings at the user's time or at our time, whichever is
 * earlier.
 */
export class SharedAlarm {
  readonly #ctx: DurableContext;
  readonly #native: Native;
  /** Settles after the latest change. Changes follow each other, as each awaits the storage. */
  #last: Promise<unknown> = Promise.resolve();
  #isShared = false;
  /** Number of failures of the user's alarm since its latest success. */
  #failures = 0;

  private constructor(ctx: DurableContext) {
    this.#ctx = ctx;
    this.#native = nativeOf(ctx.storage as AlarmStorage);
  }

  /** Returns the alarm of an object. Replaces no method of its storage until {@linkcode share}. */
  static of(ctx: DurableContext): SharedAlarm {
    let alarm = alarms.get(ctx.storage);
    if (!alarm) alarms.set(ctx.storage, alarm = new SharedAlarm(ctx));
    return alarm;
  }

  /** From now on, the alarm methods of the object's storage concern the user's time only. */
  share(): void {
    const storage = this.#ctx.storage as AlarmStorage;
    if (this.#isShared) return;
    this.#isShared = true;
    const { deleteAll, transaction } = storage;
    replaceAlarm(storage, this.#native, (change) => this.#inOrder(change));
    storage.deleteAll = (options) =>
      this.#inOrder(async () => {
        const { ours, theirs } = await read(this.#native);
        await deleteAll.call(storage, options);
        // Since 2026-02-24 the runtime deletes the alarm too.
        const isKept = await this.#native.getAlarm() !== null;
        if (ours !== null) await write(this.#native, { ours, theirs: isKept ? theirs : null });
      });
    storage.transaction = (work) =>
      transaction.call(storage, (inner) => {
        replaceAlarm(inner, nativeOf(inner), (change) => change());
        return work(inner);
      }) as Promise<never>;
  }

  /** Makes the alarm ring within `ms`. Reports a failure to the console. */
  async ringWithin(ms: number): Promise<void> {
    // The runtime cuts off a fraction, and an alarm that rings before its noted time would be lost.
    const latest = Math.ceil(Date.now() + ms);
    try {
      await this.#inOrder(async () => {
        const { ours, theirs } = await read(this.#native);
        if (ours !== null && ours <= latest && await this.#native.getAlarm() !== null) return;
        await write(this.#native, { ours: latest, theirs });
      });
    } catch (error) {
      logError("the alarm that finds silent clients could not be set", error);
    }
  }

  /**
   * Handles the alarm's ring. Sets the alarm again if the user's time has not come.
   *
   * @returns Whether the user's alarm is due.
   */
  rang(): Promise<boolean> {
    return this.#inOrder(async () => {
      const noted = await notedIn(this.#native);
      if (!noted) return true;
      const now = Date.now();
      const [ours, theirs] = [later(noted.ours, now), later(noted.theirs, now)];
      // `deleteAlarm()` here would keep the runtime from repeating an alarm that fails.
      if (ours === null && theirs === null) await this.#native.delete(KEY);
      else await write(this.#native, { ours, theirs });
      // If neither time has come, the runtime repeats an alarm of the user that has failed. If the
      // methods are not shared, the user may have set the alarm without a note.
      return theirs !== noted.theirs || ours === noted.ours || !this.#isShared;
    });
  }

  /**
   * Notes that the user's alarm has run. If the alarm has failed, sets the alarm again: workerd
   * 2026-11 repeats a failed alarm only if no other alarm is set, and ours is.
   */
  async ended(hasFailed: boolean): Promise<void> {
    this.#failures = hasFailed ? this.#failures + 1 : 0;
    if (!hasFailed || this.#failures > MAX_REPEATS) return;
    const wait = FIRST_REPEAT_MS * 2 ** (this.#failures - 1);
    await this.#inOrder(async () => {
      const { ours, theirs } = await read(this.#native);
      if (ours === null || theirs !== null) return;
      await write(this.#native, { ours, theirs: Date.now() + wait });
    });
  }

  /** Makes a change after all earlier changes, and keeps the object in memory meanwhile. */
  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {}); // the caller gets the error
    this.#ctx.waitUntil(this.#last);
    return done;
  }
}

/** Returns a time that has not come; `null` for any other. */
function later(time: number | null, now: number): number | null {
  return time !== null && time > now ? time : null;
}

/** Returns the earlier of both times; `null` if none is set. */
function earlier({ ours, theirs }: Noted): number | null {
  return ours === null || theirs === null ? ours ?? theirs : Math.min(ours, theirs);
}

function nativeOf(storage: AlarmStorage): Native {
  const { setAlarm, getAlarm, deleteAlarm } = storage;
  return {
    get: (key) => storage.get(key),
    put: (key, value) => storage.put(key, value),
    delete: (key) => storage.delete(key),
    setAlarm: (time, options) => setAlarm.call(storage, time, options),
    getAlarm: (options) => getAlarm.call(storage, options),
    deleteAlarm: (options) => deleteAlarm.call(storage, options),
  };
}

/** Replaces the alarm methods of a storage or a transaction by methods for the user's time. */
function replaceAlarm(
  storage: AlarmStorage,
  native: Native,
  inOrder: <T>(change: () => Promise<T>) => Promise<T>,
): void {
  storage.setAlarm = (time, options) => {
    const theirs = Math.trunc(Number(time)); // as the runtime does
    if (!(theirs > 0)) return native.setAlarm(time, options); // throws
    return inOrder(async () =>
      await write(native, { ours: (await read(native)).ours, theirs }, options)
    );
  };
  storage.getAlarm = () => inOrder(async () => (await read(native)).theirs);
  storage.deleteAlarm = (options) =>
    inOrder(async () =>
      await write(native, { ours: (await read(native)).ours, theirs: null }, options)
    );
}

/** Returns both times. An alarm that was set without a note is the user's. */
async function read(native: Native): Promise<Noted> {
  const noted = await notedIn(native);
  const set = await native.getAlarm();
  if (!noted) return { ours: null, theirs: set };
  return set === null || set === earlier(noted) ? noted : { ours: noted.ours, theirs: set };
}

async function notedIn(native: Native): Promise<Noted | undefined> {
  const noted = await native.get(KEY) as Noted | undefined;
  if (noted) return noted;
  const old = await native.get(OLD_KEY) as Noted | undefined;
  if (old) await native.delete(OLD_KEY);
  return old;
}

/** Notes both times, and sets the alarm of the runtime. */
async function write(native: Native, noted: Noted, options?: unknown): Promise<void> {
  const time = earlier(noted);
  // Both writes start in one turn, so the runtime makes both or neither.
  const isNoted = noted.ours === null ? native.delete(KEY) : native.put(KEY, noted);
  await Promise.all([
    isNoted,
    time === null ? native.deleteAlarm(options) : native.setAlarm(time, options),
  ]);
}
