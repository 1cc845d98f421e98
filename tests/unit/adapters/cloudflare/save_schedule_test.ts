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

Deno.test("a state that was touched is saved once, at the end of the turn", async () => {
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

Deno.test("a hook without a promise has its state saved at once, and not again in this turn", async () => {
  const { saves, kept, state } = setUp();
  saves.touch(state);
  assert.equal(saves.ran(state, undefined), undefined);
  assert.equal(state.saves, 1);
  await turn();
  assert.deepEqual([state.saves, kept.length], [1, 0]);
});

Deno.test("an asynchronous hook has its state saved when the last of its hooks has settled", async () => {
  const { saves, kept, state } = setUp();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const settled = saves.ran(state, first.promise);
  saves.ran(state, second.promise);
  saves.touch(state);
  saves.ran(state, undefined); // a third hook, without a promise
  await turn();
  first.resolve();
  await settled;
  assert.equal(state.saves, 0);
  second.resolve();
  await Promise.all(kept);
  assert.ok(state.saves >= 1);
  assert.equal(state.running, 0);
});

Deno.test("a state that was touched while any hook ran is saved again when no hook runs", async () => {
  const { saves, state, other } = setUp();
  const hook = Promise.withResolvers<void>();
  saves.ran(state, hook.promise);
  saves.touch(other); // by the hook, which may keep the context
  await turn();
  assert.equal(other.saves, 1);
  hook.resolve();
  await saves.settled();
  assert.equal(other.saves, 2);
  saves.touch(state);
  await turn();
  assert.equal(other.saves, 2, "it is held no longer");
});

Deno.test("a state that is closed is saved once more and then let go", async () => {
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

Deno.test("a failed save reaches the caller of a hook; at the end of a turn it is logged", async () => {
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

Deno.test("a hook that fails is reported to its caller, and its state is saved", async () => {
  const { saves, kept, state } = setUp();
  const error = new Error("the hook fails");
  await assert.rejects(saves.ran(state, Promise.reject(error))!, error);
  assert.equal(state.saves, 1);
  await Promise.all(kept);
});

Deno.test("settled() waits for all hooks, those that begin meanwhile included", async () => {
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
