import assert from "node:assert/strict";
import { SharedAlarm } from "../../../../shims/workerd/shared_alarm.ts";
import type { DurableContext } from "../../../../shims/workerd/workerd.ts";

let now = 1_800_000_000_000;

/** Registers a test whose clock stands still until an alarm rings. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test(name, async () => {
    const { now: original } = Date;
    Date.now = () => now;
    try {
      await fn();
    } finally {
      Date.now = original;
    }
  });
}

/** Storage with one alarm, as the runtime has it. Each method takes a turn. */
class FakeStorage {
  readonly rows = new Map<string, unknown>();
  time: number | null = null;
  failure: Error | undefined;

  async get(key: string): Promise<unknown> {
    await null;
    return this.rows.get(key);
  }
  async put(key: string, value: unknown): Promise<void> {
    await null;
    this.rows.set(key, value);
  }
  async delete(key: string): Promise<boolean> {
    await null;
    return this.rows.delete(key);
  }
  async setAlarm(time: number | Date): Promise<void> {
    if (!(Number(time) > 0)) throw new TypeError("setAlarm() cannot be called with this time");
    await null;
    this.time = Math.trunc(Number(time)); // as workerd does
  }
  async getAlarm(): Promise<number | null> {
    await null;
    if (this.failure) throw this.failure;
    return this.time;
  }
  async deleteAlarm(): Promise<void> {
    await null;
    this.time = null;
  }
  async deleteAll(): Promise<void> {
    await null;
    this.rows.clear();
    this.time = null;
  }
  async transaction<T>(work: (inner: FakeStorage) => Promise<T>): Promise<T> {
    return await work(Object.assign(new FakeStorage(), this));
  }
}

/** Returns a shared alarm with its storage, and a function that lets the alarm ring. */
function sharedAlarm(storage = new FakeStorage()) {
  const ctx = { storage, waitUntil() {} } as unknown as DurableContext;
  const alarm = SharedAlarm.of(ctx);
  alarm.share();
  const ring = async (): Promise<boolean> => {
    now = storage.time!;
    storage.time = null;
    return await alarm.rang();
  };
  return { alarm, storage, ring };
}

test("SharedAlarm rings once at a time with a fraction, ours or the user's", async () => {
  const { alarm, storage, ring } = sharedAlarm();
  await alarm.ringWithin(10.5);
  assert.deepEqual([await ring(), storage.time], [false, null]);
  await alarm.ringWithin(1000);
  const ours = storage.time;
  await storage.setAlarm(Date.now() + 20.7);
  assert.deepEqual([await ring(), storage.time], [true, ours]);
});

test("SharedAlarm rings for the user's time and for ours, whichever was set first", async () => {
  for (const isOursFirst of [true, false]) {
    const { alarm, storage, ring } = sharedAlarm();
    const ours = () => alarm.ringWithin(20);
    if (isOursFirst) await ours();
    const theirs = Date.now() + 60;
    await storage.setAlarm(new Date(theirs));
    if (!isOursFirst) await ours();
    assert.ok(storage.time! < theirs, "the earlier time is set");
    assert.equal(await storage.getAlarm(), theirs, "the user sees the user's time");
    assert.equal(await ring(), false, "ours");
    assert.equal(storage.time, theirs);
    assert.equal(await ring(), true, "theirs");
    assert.deepEqual([storage.time, storage.rows.size], [null, 0], "nothing is left behind");
  }
});

test("SharedAlarm keeps our time if the user sets an earlier alarm again and again", async () => {
  const { alarm, storage, ring } = sharedAlarm();
  await alarm.ringWithin(50);
  const rings: boolean[] = [];
  for (let n = 0; n < 4; n++) {
    await storage.setAlarm(Date.now() + 20);
    while (!rings[rings.push(await ring()) - 1]);
  }
  assert.deepEqual(rings.filter((isTheirs) => !isTheirs), [false], `ours among ${rings}`);
});

test("SharedAlarm repeats a failed alarm of the user six times if ours is set", async () => {
  const { alarm, storage, ring } = sharedAlarm();
  await alarm.ended(true);
  assert.equal(storage.time, null, "without our alarm, the runtime repeats the alarm");
  await alarm.ended(false);
  await alarm.ringWithin(1_000_000);
  for (let n = 0; n < 6; n++) {
    await alarm.ended(true);
    assert.equal(await storage.getAlarm(), now + 2000 * 2 ** n);
    assert.equal(await ring(), true);
  }
  await alarm.ended(true);
  assert.equal(await storage.getAlarm(), null);
});

test("SharedAlarm lets the runtime repeat an alarm of the user that has failed", async () => {
  const { alarm, storage, ring } = sharedAlarm();
  await alarm.ringWithin(5_000);
  await storage.setAlarm(Date.now() + 10);
  assert.deepEqual([await ring(), await alarm.rang()], [true, true]);
});

test("SharedAlarm sets both alarms if user and adapter set theirs in one turn", async () => {
  const { alarm, storage } = sharedAlarm();
  const theirs = Date.now() + 10_000;
  const set = [alarm.ringWithin(20_000), storage.setAlarm(theirs), alarm.ringWithin(5_000)];
  await Promise.all(set);
  assert.equal(await storage.getAlarm(), theirs);
  assert.ok(storage.time! < theirs);
});

test("deleteAlarm() deletes the user's alarm only, and deleteAll() keeps ours", async () => {
  const { alarm, storage } = sharedAlarm();
  await alarm.ringWithin(5_000);
  const ours = storage.time;
  await storage.setAlarm(Date.now() + 1_000);
  await storage.deleteAlarm();
  assert.deepEqual([await storage.getAlarm(), storage.time], [null, ours]);
  await storage.setAlarm(Date.now() + 1_000);
  await storage.deleteAll();
  assert.deepEqual([await storage.getAlarm(), storage.time], [null, ours]);
});

test("an alarm that was set before SharedAlarm shares the storage is the user's", async () => {
  const storage = new FakeStorage();
  const theirs = Date.now() + 40;
  await storage.setAlarm(theirs);
  const { alarm, ring } = sharedAlarm(storage);
  await alarm.ringWithin(10);
  assert.equal(await storage.getAlarm(), theirs);
  assert.deepEqual([await ring(), await ring()], [false, true]);
});

test("SharedAlarm rejects a time that the runtime rejects, and logs if ours cannot be set", async () => {
  const { alarm, storage } = sharedAlarm();
  await assert.rejects(storage.setAlarm(NaN), TypeError);
  storage.failure = new Error("no storage");
  const said: unknown[] = [];
  const original = console.error;
  console.error = (...words) => said.push(...words);
  try {
    await alarm.ringWithin(10);
  } finally {
    console.error = original;
  }
  assert.match(String(said), /alarm.*could not be set.*no storage/s);
});
