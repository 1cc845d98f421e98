import assert from "node:assert/strict";
import { type Saveable, SaveSchedule } from "../../../../adapters/cloudflare/save_schedule.ts";

class FakeState implements Saveable {
  running = 0;
  isClosed = false;
  saves = 0;
  error: Error | undefined;

  save(): void {
    this.saves++;
    if (this.error) throw this.error;
  }

  toString(): string {
    return "the fake state";
  }
}

function setUp() {
  const kept: Promise<void>[] = [];
  const saves = new SaveSchedule<FakeState>((promise) => void kept.push(promise));
  return { saves, kept, state: new FakeState(), other: new FakeState() };
}

/** Waits until all microtasks have run. */
const turn = () => new Promise<void>((go) => setTimeout(go));

/** Runs `work`, and returns what it logs. */
async function logged(work: () => Promise<void>): Promise<unknown[]> {
  const said: unknown[] = [];
  const original = console.error;
  console.error = (...words) => void said.push(...words);
  try {
    await work();
  } finally {
    console.error = original;
  }
  return said;
}

Deno.test("SaveSchedule saves a touched state once, at the end of the turn", async () => {
  const { saves, state, other } = setUp();
  for (const it of [state, other, state]) saves.touch(it);
  assert.equal(state.saves, 0);
  await turn();
  assert.deepEqual([state.saves, other.saves], [1, 1]);
  await turn();
  assert.equal(state.saves, 1);
  saves.touch(state);
  await turn();
  assert.equal(state.saves, 2);
});

Deno.test("SaveSchedule saves the state of a synchronous hook at once, and not again in this turn", async () => {
  const { saves, kept, state } = setUp();
  saves.touch(state);
  assert.equal(saves.ran(state, undefined), undefined);
  assert.equal(state.saves, 1);
  await turn();
  assert.deepEqual([state.saves, kept.length], [1, 0]);
});

Deno.test("SaveSchedule saves the state of asynchronous hooks when the last of them has settled", async () => {
  const { saves, kept, state } = setUp();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const settled = saves.ran(state, first.promise);
  saves.ran(state, second.promise);
  saves.touch(state);
  saves.ran(state, undefined); // a third hook, which is synchronous
  await turn();
  first.resolve();
  await settled;
  assert.equal(state.saves, 0);
  second.resolve();
  await Promise.all(kept);
  assert.ok(state.saves >= 1);
  assert.equal(state.running, 0);
});

Deno.test("SaveSchedule saves a state touched during a hook again, once no hook runs", async () => {
  const { saves, state, other } = setUp();
  const hook = Promise.withResolvers<void>();
  saves.ran(state, hook.promise);
  saves.touch(other); // the hook touches another state, and may keep its context
  await turn();
  assert.equal(other.saves, 1);
  hook.resolve();
  await saves.settled();
  assert.equal(other.saves, 2);
  saves.touch(state);
  await turn();
  assert.equal(other.saves, 2, "saves after the last hook");
});

Deno.test("SaveSchedule saves a closed state once more, and then releases it", async () => {
  const { saves, state, other } = setUp();
  const hook = Promise.withResolvers<void>();
  saves.ran(other, hook.promise);
  saves.touch(state);
  await turn();
  state.isClosed = true;
  saves.touch(state);
  saves.ran(state, undefined);
  assert.equal(state.saves, 2);
  hook.resolve();
  await saves.settled();
  assert.equal(state.saves, 2);
});

Deno.test("SaveSchedule throws if a save after a hook fails, and logs if a save at the end of a turn fails", async () => {
  const { saves, state, other } = setUp();
  state.error = new Error("too large");
  assert.throws(() => saves.ran(state, undefined), state.error);
  await assert.rejects(saves.ran(state, Promise.resolve())!, state.error);
  const said = await logged(async () => {
    saves.touch(state);
    saves.touch(other);
    await turn();
  });
  assert.match(String(said[0]), /the fake state could not be saved/);
  assert.equal(other.saves, 1);
  await saves.settled();
});

Deno.test("SaveSchedule passes the error of a failed hook to the caller, and saves the state", async () => {
  const { saves, kept, state } = setUp();
  const error = new Error("the hook fails");
  await assert.rejects(saves.ran(state, Promise.reject(error))!, error);
  assert.equal(state.saves, 1);
  await Promise.all(kept);
});

Deno.test("SaveSchedule.settled() waits for all hooks, including those that begin meanwhile", async () => {
  const { saves, kept, state } = setUp();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  saves.ran(state, first.promise);
  saves.ran(undefined, second.promise);
  let isSettled = false;
  const settled = saves.settled().then(() => isSettled = true);
  const third = Promise.withResolvers<void>();
  first.promise.then(() => void saves.ran(state, third.promise));
  first.resolve();
  second.resolve();
  await turn();
  assert.equal(isSettled, false);
  third.resolve();
  await settled;
  assert.equal(kept.length, 3, "each hook keeps the object in memory");
});
