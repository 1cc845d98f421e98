import assert from "node:assert/strict";
import { type Limits, resolveLimits } from "../../../common/limits.ts";
import { SendQueue } from "../../../socket/send_queue.ts";
import { Frame } from "../../../socket/frame.ts";
import {
  type BroadcastDomain,
  CLOSED,
  type CloseInfo,
  CLOSING,
  FINISHED,
  OPEN,
} from "../../../socket/socket.ts";
import { Counters } from "../../../common/stats.ts";
import { SharedInterval, Timers } from "../../../common/timers.ts";
import { FakeSocket } from "../fake_socket.ts";

function rig(given: Partial<Limits> = {}) {
  const limits = resolveLimits({ maxBuffered: 100, highWaterMark: 50, ...given });
  const timers = new Timers();
  const counters = new Counters();
  const slow = new SharedInterval<SendQueue>(timers, 60_000, () => {});
  const socket = new FakeSocket({ topics: true, heartbeat: true });
  const drains: number[] = [];
  const groups: (BroadcastDomain | undefined)[] = [];
  const cuts: CloseInfo[] = [];
  const watching: boolean[] = [];
  const moves: number[] = [];
  const queue: SendQueue = new SendQueue(socket, { limits, counters, timers, slow }, {
    watching: (isOn) => void watching.push(isOn),
    moved: () => void moves.push(socket.bufferedAmount),
    domainChanged: () => void groups.push(queue.broadcastDomain),
    drained: () => void drains.push(socket.bufferedAmount),
    // A connection does the same.
    terminated: (info) => void cuts.push(queue.end(info)),
  });
  /** Lets the network accept bytes until `left` are queued, and reports a drain. */
  const drainTo = (left: number): void => {
    socket.bufferedAmount = left;
    queue.checkDrain();
  };
  const names = () => socket.calls.map(([name]) => name);
  return { queue, socket, timers, counters, drains, groups, cuts, watching, moves, drainTo, names };
}

const bytes = (length: number): Frame => new Frame(new Uint8Array(length));
const GONE: CloseInfo = { code: 1006, reason: "", wasClean: false };
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns the current state of a promise. */
function stateOf(promise: Promise<unknown>): Promise<string> {
  return Promise.race([
    promise.then(() => "resolved", () => "rejected"),
    sleep(0).then(() => "pending"),
  ]);
}

Deno.test("SendQueue bounds empty messages on a runtime that does not count them as queued", () => {
  for (const hidesEmpty of [false, true]) {
    const { queue, socket } = rig({ overflow: "drop" });
    Object.defineProperty(socket, "hidesEmpty", { value: hidesEmpty });
    const accepted = () => {
      socket.bufferedAmount = 0;
      let count = 0;
      for (; count < 3000 && queue.send(new Frame(""), false) >= 0; count++);
      return count;
    };
    const most = accepted();
    assert.ok(hidesEmpty ? most >= 1024 && most < 1200 : most === 3000, `${most} accepted`);
    queue.send(bytes(1), false);
    socket.bufferedAmount = 1; // nothing was written
    assert.equal(queue.send(new Frame(""), false), hidesEmpty ? -1 : 1);
  }
});

Deno.test("SendQueue.send() forwards frames in order, returns the queued bytes, and counts", () => {
  const { queue, socket, counters } = rig();
  assert.equal(queue.send(new Frame("ü"), true), 2);
  assert.equal(queue.send(new Frame(""), false), 2);
  assert.equal(queue.send(bytes(3), false), 5);
  assert.deepEqual(socket.calls, [["send", "ü", true], ["send", "", false], [
    "send",
    new Uint8Array(3),
    false,
  ]]);
  assert.deepEqual([counters.messagesOut, counters.bytesOut, counters.drops], [3, 5, 0]);
});

Deno.test("SendQueue.send() returns -1 and sends nothing if the socket is not open", () => {
  for (const state of [0, CLOSING, CLOSED]) {
    const { queue, socket, counters } = rig();
    socket.readyState = state;
    assert.equal(queue.send(bytes(1), true), -1);
    assert.deepEqual([socket.calls.length, counters.messagesOut, counters.drops], [0, 0, 0]);
  }
});

Deno.test("SendQueue.send() accepts exactly maxBuffered bytes under each overflow policy", () => {
  for (const overflow of ["close", "drop", "error"] as const) {
    const { queue } = rig({ overflow });
    assert.equal(queue.send(bytes(60), true), 60);
    assert.equal(queue.send(bytes(40), true), 100);
    assert.equal(queue.send(bytes(0), true), 100);
    assert.equal(rig({ overflow }).queue.send(bytes(100), true), 100);
  }
});

Deno.test("SendQueue with overflow close drops the message, and closes the peer with 1013 once", () => {
  const { queue, socket, counters, timers } = rig();
  queue.send(bytes(60), true);
  assert.equal(queue.send(bytes(41), true), -1);
  assert.equal(queue.send(bytes(1), true), -1);
  assert.deepEqual(socket.calls.slice(1), [["flush"], ["close", 1013, "too slow"]]);
  assert.deepEqual([counters.messagesOut, counters.bytesOut, counters.drops], [1, 60, 1]);
  queue.end(GONE);
  assert.equal(timers.size, 0);
});

Deno.test("SendQueue with overflow drop drops and counts the newest messages, and keeps the peer", () => {
  const { queue, counters, names, drainTo } = rig({ overflow: "drop" });
  queue.send(bytes(100), true);
  assert.equal(queue.send(bytes(1), true), -1);
  assert.equal(queue.send(bytes(200), true), -1);
  assert.equal(counters.drops, 2);
  drainTo(0);
  assert.equal(queue.send(bytes(1), true), 1);
  assert.deepEqual(names(), ["send", "flush", "flush", "send"]);
});

Deno.test("SendQueue flushes bytes that wait for the end of the turn before it counts an overflow", () => {
  const { queue, socket } = rig({ maxBuffered: 10 });
  let flushes = 0;
  socket.flush = () => {
    flushes++;
    socket.bufferedAmount = 0;
  };
  for (let i = 0; i < 5; i++) assert.ok(queue.send(bytes(4), true) > 0);
  assert.deepEqual([flushes, socket.readyState], [2, OPEN]);
});

Deno.test("SendQueue.ping() sends no ping while more than maxBuffered is queued", () => {
  const { queue, socket } = rig({ maxBuffered: 10 });
  socket.bufferedAmount = 10;
  assert.equal(queue.ping(new Uint8Array()), true);
  socket.bufferedAmount = 11;
  assert.equal(queue.ping(new Uint8Array()), false);
  assert.deepEqual(socket.calls, [["ping", new Uint8Array()]]);
});

Deno.test("SendQueue with overflow error throws the tried and queued bytes, and keeps the peer", () => {
  const { queue, counters, names } = rig({ overflow: "error" });
  queue.send(bytes(60), true);
  assert.throws(() => queue.send(bytes(41), true), {
    name: "PeerError",
    code: "ERR_PEER_BUFFER_FULL",
    message: "Cannot send 41 bytes as 60 of at most 100 are queued for this peer",
  });
  assert.equal(counters.drops, 1);
  assert.equal(queue.send(bytes(40), true), 100);
  assert.deepEqual(names(), ["send", "flush", "send"]);
});

Deno.test("SendQueue reports one drain for each fall from above highWaterMark to drainThreshold", () => {
  const { queue, drains, drainTo, timers } = rig();
  queue.send(bytes(50), true);
  drainTo(0);
  assert.equal(drains.length, 0, "drains at the mark");
  for (let round = 1; round <= 3; round++) {
    queue.send(bytes(51), true);
    assert.equal(timers.size, 1);
    drainTo(51);
    drainTo(1);
    assert.equal(drains.length, round - 1, "drains above the threshold");
    drainTo(0);
    drainTo(0);
    assert.equal(drains.length, round);
    assert.equal(timers.size, 0, "timers of a fast peer");
  }
});

Deno.test("SendQueue reports a drain at drainThreshold, inclusive", () => {
  const { queue, drains, drainTo } = rig({ drainThreshold: 20 });
  queue.send(bytes(80), true);
  drainTo(21);
  assert.deepEqual(drains, []);
  drainTo(20);
  assert.deepEqual(drains, [20]);
});

Deno.test("SendQueue stops its timer at the end, and reports no drain afterwards", () => {
  const { queue, drains, timers } = rig();
  queue.send(bytes(80), true);
  assert.equal(timers.size, 1);
  queue.end(GONE);
  assert.equal(timers.size, 0);
  assert.deepEqual(drains, []);
});

Deno.test("SendQueue.waitForDrain() resolves at its threshold, inclusive, and at once if already reached", async () => {
  const { queue, drainTo, timers } = rig();
  queue.send(bytes(40), true);
  assert.equal(await stateOf(queue.waitForDrain({ threshold: 40 })), "resolved");
  const waits = [0, 10, 39].map((threshold) => queue.waitForDrain({ threshold }));
  const states = async () => await Promise.all(waits.map(stateOf));
  assert.deepEqual(await states(), ["pending", "pending", "pending"]);
  assert.equal(timers.size, 1, "timers, for runtimes without a drain event");
  drainTo(11);
  assert.deepEqual(await states(), ["pending", "pending", "resolved"]);
  drainTo(10);
  assert.deepEqual(await states(), ["pending", "resolved", "resolved"]);
  drainTo(0);
  assert.deepEqual(await states(), ["resolved", "resolved", "resolved"]);
  assert.equal(timers.size, 0);
});

Deno.test("SendQueue.waitForDrain() resolves when the peer ends, and at once afterwards", async () => {
  const { queue, timers } = rig();
  queue.send(bytes(60), true);
  const wait = queue.waitForDrain({ threshold: 0 });
  queue.close(1000, "");
  assert.equal(await stateOf(wait), "pending");
  queue.end(GONE);
  assert.equal(await stateOf(wait), "resolved");
  assert.equal(await stateOf(queue.waitForDrain({ threshold: 0 })), "resolved");
  assert.equal(timers.size, 0);
});

Deno.test("SendQueue.waitForDrain() rejects with the signal's reason, before and during the wait", async () => {
  const { queue, drainTo, timers } = rig();
  const reason = new Error("enough");
  await assert.rejects(
    queue.waitForDrain({ threshold: 0, signal: AbortSignal.abort(reason) }),
    reason,
  );
  queue.send(bytes(10), true);
  const controller = new AbortController();
  const [aborted, other] = [
    queue.waitForDrain({ threshold: 0, signal: controller.signal }),
    queue.waitForDrain({ threshold: 0 }),
  ];
  controller.abort(reason);
  await assert.rejects(aborted, reason);
  assert.equal(await stateOf(other), "pending");
  drainTo(0);
  assert.equal(await stateOf(other), "resolved");
  assert.equal(timers.size, 0);
});

Deno.test("SendQueue.waitForDrain() releases the signal once resolved", async () => {
  const { queue, drainTo } = rig();
  const { signal } = new AbortController();
  const kinds: string[] = [];
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    kinds.push("add");
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    kinds.push("remove");
    Reflect.apply(removeEventListener, signal, args);
  };
  queue.send(bytes(10), true);
  const wait = queue.waitForDrain({ threshold: 0, signal });
  drainTo(0);
  assert.equal(await stateOf(wait), "resolved");
  assert.deepEqual(kinds, ["add", "remove"]);
});

Deno.test("SendQueue.close() starts one closing handshake, and ignores later calls", () => {
  const { queue, socket, cuts, timers } = rig();
  queue.close(3001, "first");
  queue.close(3002, "second");
  assert.deepEqual(socket.calls, [["close", 3001, "first"]]);
  assert.deepEqual([queue.isOpen, queue.readyState, cuts.length], [false, CLOSING, 0]);
  assert.deepEqual(queue.end({ code: 1000, reason: "theirs", wasClean: true }), {
    code: 3001,
    reason: "first",
    wasClean: true,
  });
  assert.equal(timers.size, 0);
});

Deno.test("SendQueue.end() keeps the client's code and reason if the server did not close", () => {
  const { queue } = rig();
  const info = { code: 4000, reason: "theirs", wasClean: true };
  assert.deepEqual(queue.end(info), info);
  assert.deepEqual([queue.isOpen, queue.readyState, queue.bufferedAmount], [false, CLOSED, 0]);
});

Deno.test("SendQueue terminates a client that does not answer the server's close within closeTimeout", async () => {
  const { queue, cuts, names, timers } = rig({ closeTimeout: 5 });
  queue.close(3001, "bye");
  assert.equal(cuts.length, 0);
  await sleep(40);
  assert.deepEqual(names(), ["close", "terminate"]);
  assert.deepEqual(cuts, [{ code: 3001, reason: "bye", wasClean: false }]);
  assert.deepEqual([queue.readyState, timers.size], [CLOSED, 0]);
});

Deno.test("SendQueue does not terminate a client that answers in time", async () => {
  const { queue, cuts, names } = rig({ closeTimeout: 5 });
  queue.close(1000, "");
  queue.end({ code: 1000, reason: "", wasClean: true });
  await sleep(40);
  assert.deepEqual([names(), cuts], [["close"], []]);
});

Deno.test("SendQueue.terminate() ends with 1006 at once, only once, also after close()", () => {
  for (const closing of [false, true]) {
    const { queue, socket, cuts, timers, names } = rig();
    queue.send(bytes(60), true);
    if (closing) queue.close(3001, "bye");
    queue.terminate();
    queue.terminate();
    queue.close(1000, "");
    assert.deepEqual(cuts, [GONE]);
    assert.deepEqual(names().filter((name) => name === "terminate"), ["terminate"]);
    assert.equal(queue.send(bytes(1), true), -1);
    assert.deepEqual([queue.readyState, queue.bufferedAmount], [CLOSED, 0]);
    assert.equal(timers.size, 0);
    assert.equal(socket.calls.filter(([name]) => name === "close").length, closing ? 1 : 0);
  }
});

Deno.test("SendQueue.terminate() after the end does nothing", () => {
  const { queue, socket, cuts } = rig();
  queue.end(GONE);
  queue.terminate();
  assert.deepEqual([socket.calls.length, cuts.length], [0, 0]);
});

Deno.test("SendQueue reports when its client is watched, and when the watched queue changes", () => {
  const { queue, watching, moves, drainTo } = rig();
  assert.equal(queue.slowAmount, -1, "slowAmount of a fast client");
  queue.send(bytes(60), false);
  assert.deepEqual([watching, queue.slowAmount], [[true], 60]);
  drainTo(60);
  drainTo(60);
  drainTo(55);
  assert.deepEqual(moves, [60, 55], "reports of a changed queue");
  drainTo(0);
  assert.deepEqual([watching, queue.slowAmount], [[true, false], -1]);
});

Deno.test("SendQueue reports a client as watched while a caller waits for a drain", async () => {
  const { queue, watching, drainTo } = rig();
  queue.send(bytes(20), false);
  const first = queue.waitForDrain({ threshold: 10 }),
    second = queue.waitForDrain({ threshold: 0 });
  assert.deepEqual([watching, queue.slowAmount], [[true], 20]);
  drainTo(10);
  await first;
  assert.deepEqual(watching, [true]);
  drainTo(0);
  await second;
  assert.deepEqual(watching, [true, false]);
});

Deno.test("SendQueue.finish() is true once, and no state follows", () => {
  const { queue } = rig();
  queue.end(GONE);
  assert.deepEqual([queue.state, queue.readyState], [CLOSED, CLOSED]);
  assert.deepEqual([queue.finish(), queue.finish()], [true, false]);
  assert.deepEqual([queue.state, queue.readyState], [FINISHED, CLOSED]);
});

const DOMAIN: BroadcastDomain = {
  topic() {
    throw new Error("only the hub creates native topics");
  },
};

Deno.test("SendQueue has no broadcast domain while slow or closing, and reports each change", () => {
  const { queue, socket, groups, drains, drainTo } = rig();
  assert.equal(queue.broadcastDomain, undefined);
  socket.topics!.domain = DOMAIN;
  assert.equal(queue.broadcastDomain, DOMAIN);
  queue.send(bytes(50), true);
  assert.equal(queue.broadcastDomain, DOMAIN);
  queue.send(bytes(1), true);
  queue.send(bytes(1), true);
  assert.deepEqual([queue.broadcastDomain, groups], [undefined, [undefined]]);
  drainTo(1);
  assert.equal(queue.broadcastDomain, undefined);
  drainTo(0);
  assert.deepEqual([queue.broadcastDomain, groups, drains], [DOMAIN, [undefined, DOMAIN], [0]]);
  queue.close(1000, "");
  assert.equal(queue.broadcastDomain, undefined);
});

Deno.test("SendQueue that is slow by broadcasts leaves its domain at the next check, and drains", () => {
  for (const see of ["look", "bufferedAmount"] as const) {
    const { queue, socket, groups, drains, drainTo } = rig();
    socket.topics!.domain = DOMAIN;
    socket.bufferedAmount = 50;
    assert.equal(see === "look" ? queue.checkBackpressure() : queue.bufferedAmount, 50);
    assert.deepEqual(groups, []);
    socket.bufferedAmount = 51;
    assert.equal(see === "look" ? queue.checkBackpressure() : queue.bufferedAmount, 51);
    assert.deepEqual(groups, [undefined]);
    drainTo(0);
    assert.deepEqual(drains, [0]);
  }
});

Deno.test("SendQueue.broadcast() counts each recipient", () => {
  const { queue, socket, counters } = rig();
  queue.broadcast("name", new Frame("ü"), false, 7);
  assert.deepEqual(socket.calls, [["broadcast", "name", "ü", false]]);
  assert.deepEqual([counters.messagesOut, counters.bytesOut], [7, 14]);
});
