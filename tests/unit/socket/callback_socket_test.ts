import assert from "node:assert/strict";
import fc from "fast-check";
import { Frame } from "../../../socket/frame.ts";
import { CallbackSocket, type Wire } from "../../../socket/callback_socket.ts";
import {
  type BroadcastDomain,
  CLOSED,
  type CloseInfo,
  CLOSING,
  CONNECTING,
  OPEN,
} from "../../../socket/socket.ts";

type Call = "send" | "close" | "terminate" | "pause" | "resume" | "ping";

/** A native socket that records calls, and may report events from inside any call. */
interface Native {
  isOpen: boolean;
  buffered: number;
  heard: number;
  /** Nesting depth of calls of the wire. */
  depth: number;
  readonly calls: unknown[][];
  readonly during: Partial<Record<Call, () => void>>;
}

function called(native: Native, name: Call, ...args: unknown[]): void {
  native.calls.push([name, ...args]);
  native.depth++;
  native.during[name]?.();
  native.depth--;
}

const plainWire: Wire<Native> = {
  isOpen: (native) => native.isOpen,
  send: (native, frame, compress) => called(native, "send", frame.payload, compress),
  close: (native, code, reason) => called(native, "close", code, reason),
  terminate: (native) => called(native, "terminate"),
  bufferedAmount: (native) => native.buffered,
};

const fullWire: Wire<Native> = {
  ...plainWire,
  flow: {
    pause: (native) => called(native, "pause"),
    resume: (native) => called(native, "resume"),
  },
  heartbeat: {
    ping: (native, data) => called(native, "ping", ...data),
    activity: (native) => native.heard,
  },
};

interface Rig {
  readonly socket: CallbackSocket<Native>;
  readonly native: Native;
  /** Events of the listener; `!` marks an event from inside a call of the wire. */
  readonly events: unknown[][];
}

function rig(wire = fullWire): Rig {
  const native: Native = { isOpen: true, buffered: 0, heard: 0, depth: 0, calls: [], during: {} };
  const socket = new CallbackSocket(wire, native, "chat", "permessage-deflate");
  const events: unknown[][] = [];
  const on = (name: string) => (...args: unknown[]) => {
    events.push([native.depth > 0 ? `${name}!` : name, ...args]);
  };
  socket.listener = {
    onopen: on("open"),
    onmessage: on("message"),
    oncontrol: on("control"),
    ondrain: on("drain"),
    onerror: on("error"),
    onclosing: () => {},
    onclose: on("close"),
  };
  return { socket, native, events };
}

function openRig(wire = fullWire): Rig {
  const made = rig(wire);
  made.socket.opened();
  made.events.length = 0;
  return made;
}

/** Ways to end an open socket, and the state afterwards. */
const toEnd: Record<string, { end(rig: Rig): void; state: number }> = {
  "close()": { end: ({ socket }) => socket.close(1000, ""), state: CLOSING },
  "a failure": { end: ({ socket }) => socket.failed(FAILURE), state: CLOSING },
  "the client's close": { end: ({ native }) => void (native.isOpen = false), state: CLOSING },
  "terminate()": { end: ({ socket }) => socket.terminate(), state: CLOSED },
  "the native close": { end: ({ socket }) => socket.closed(INFO), state: CLOSED },
};

const INFO: CloseInfo = { code: 4001, reason: "bye", wasClean: true };
const GONE: CloseInfo = { code: 1006, reason: "", wasClean: false };
const FAILURE = { code: 1002, message: "bad frame" };
const HELLO = new Frame("hello");
const tick = (): Promise<void> => Promise.resolve();

Deno.test("CallbackSocket is CONNECTING, then OPEN once, and has the negotiated protocol and extensions", () => {
  const { socket, native, events } = rig();
  assert.equal(socket.readyState, CONNECTING);
  socket.opened();
  socket.opened();
  assert.equal(socket.readyState, OPEN);
  assert.deepEqual(events, [["open"]]);
  assert.equal(socket.protocol, "chat");
  assert.equal(socket.extensions, "permessage-deflate");
  assert.equal(socket.raw, native);
});

Deno.test("CallbackSocket.send() passes frame and compress to the wire, in order", () => {
  const { socket, native } = openRig();
  socket.send(HELLO, true);
  socket.send(new Frame(new Uint8Array([1, 2])), false);
  assert.deepEqual(native.calls, [["send", "hello", true], [
    "send",
    new Uint8Array([1, 2]),
    false,
  ]]);
});

Deno.test("CallbackSocket.send(), close(), ping() and pause() do nothing before the open", () => {
  const { socket, native, events } = rig();
  socket.send(HELLO, true);
  socket.close(1000, "");
  socket.ping();
  socket.pause();
  assert.deepEqual(native.calls, []);
  assert.deepEqual(events, []);
  assert.equal(socket.readyState, CONNECTING);
});

for (const [name, { end, state }] of Object.entries(toEnd)) {
  Deno.test(`CallbackSocket.send(), close(), ping() and pause() do nothing after ${name}`, () => {
    const made = openRig();
    end(made);
    const { socket, native } = made;
    assert.equal(socket.readyState, state);
    native.calls.length = 0;
    socket.send(HELLO, true);
    socket.close(3000, "again");
    socket.ping();
    socket.pause();
    assert.deepEqual(native.calls, []);
    assert.equal(socket.readyState, state);
  });
}

for (const name of ["close()", "a failure", "terminate()", "the native close"]) {
  Deno.test(`CallbackSocket reports only onclose after ${name}`, async () => {
    const made = openRig();
    toEnd[name]!.end(made);
    const { socket, events } = made;
    events.length = 0;
    socket.opened();
    for (const report of Object.values(reports)) report(socket);
    socket.closed(INFO);
    await tick();
    assert.deepEqual(events.map(([event]) => event), ["close"]);
    socket.received("later", 5);
    socket.controlled("ping", new Uint8Array());
    socket.closed(INFO);
    await tick();
    assert.equal(events.length, 1);
  });
}

Deno.test("CallbackSocket reports no messages, controls or drains while CONNECTING", () => {
  const { socket, events } = rig();
  socket.received("early", 5);
  socket.controlled("pong", new Uint8Array());
  socket.drained();
  socket.failed(FAILURE);
  assert.deepEqual(events, []);
  assert.equal(socket.readyState, CONNECTING);
});

Deno.test("CallbackSocket reports messages and drains while open, with the size on the wire", () => {
  const { socket, events } = openRig();
  const bytes = new Uint8Array([1]);
  socket.received("ü", 2);
  socket.received(bytes, 1);
  socket.drained();
  assert.deepEqual(events, [["message", "ü", 2], ["message", bytes, 1], ["drain"]]);
});

Deno.test("CallbackSocket.close() is CLOSING at once; the first close wins", async () => {
  const { socket, native, events } = openRig();
  socket.close(3001, "first");
  assert.equal(socket.readyState, CLOSING);
  socket.close(3002, "second");
  assert.deepEqual(native.calls, [["close", 3001, "first"]]);
  await tick();
  assert.deepEqual(events, []);
  socket.closed(INFO);
  assert.equal(socket.readyState, CLOSED);
  await tick();
  assert.deepEqual(events, [["close", INFO]]);
});

Deno.test("CallbackSocket reports the first of several native closes, once", async () => {
  const { socket, events } = openRig();
  socket.closed(INFO);
  socket.closed(GONE);
  await tick();
  socket.closed(GONE);
  await tick();
  assert.deepEqual(events, [["close", INFO]]);
});

for (const call of ["send", "close", "terminate"] as const) {
  Deno.test(`CallbackSocket reports a native close inside ${call}() only after the call`, async () => {
    const { socket, native, events } = openRig();
    native.during[call] = () => {
      socket.closed(INFO);
      socket.closed(INFO);
    };
    if (call === "send") socket.send(HELLO, true);
    else if (call === "close") socket.close(1000, "");
    else socket.terminate();
    assert.equal(events.length, 0);
    // Some runtimes wait for the client's answer, so close() is CLOSING until the report.
    assert.equal(socket.readyState, call === "close" ? CLOSING : CLOSED);
    await tick();
    assert.equal(socket.readyState, CLOSED);
    assert.deepEqual(events.map(([event]) => event), ["close"]);
  });
}

const reports: Record<string, (socket: CallbackSocket<Native>) => void> = {
  failure: (socket) => socket.failed(FAILURE),
  message: (socket) => socket.received("echo", 4),
  control: (socket) => socket.controlled("pong", new Uint8Array([1])),
  drain: (socket) => socket.drained(),
};

for (const [name, report] of Object.entries(reports)) {
  Deno.test(`CallbackSocket.send() reports a ${name} from inside the call only afterwards`, async () => {
    const { socket, native, events } = openRig();
    native.during.send = () => report(socket);
    socket.send(HELLO, true);
    await tick();
    assert.deepEqual(events.filter(([event]) => String(event).endsWith("!")), []);
    assert.equal(events.length, 1, "reports after the call");
  });
}

Deno.test("CallbackSocket keeps the order of reports if an earlier one is delayed", async () => {
  const { socket, native, events } = openRig();
  native.during.send = () => socket.received("inside", 6);
  socket.send(HELLO, true);
  socket.received("behind", 6);
  assert.deepEqual(events, []);
  await tick();
  assert.deepEqual(events, [["message", "inside", 6], ["message", "behind", 6]]);
});

Deno.test("CallbackSocket.close() and terminate() call no listener for reports from inside the call", async () => {
  for (const call of ["close", "terminate"] as const) {
    const { socket, native, events } = openRig();
    native.during[call] = () => Object.values(reports).forEach((report) => report(socket));
    if (call === "close") socket.close(1000, "");
    else socket.terminate();
    assert.deepEqual(events, [], call);
    await tick();
    socket.closed(INFO);
    await tick();
    assert.equal(events.length, 1, call);
  }
});

Deno.test("CallbackSocket reports a failure once, then the close once", async () => {
  const { socket, events } = openRig();
  const before = socket.hasFailed;
  socket.failed(FAILURE);
  assert.deepEqual([before, socket.hasFailed, socket.readyState], [false, true, CLOSING]);
  socket.failed({ code: 1009, message: "second" });
  socket.closed(GONE);
  await tick();
  assert.deepEqual(events, [["error", FAILURE], ["close", GONE]]);
});

Deno.test("CallbackSocket.terminate() drops an open or closing connection with 1006 once, and does nothing later", async () => {
  for (const state of [OPEN, CLOSING]) {
    const { socket, native, events } = openRig();
    if (state === CLOSING) socket.close(1000, "");
    native.calls.length = 0;
    socket.terminate();
    assert.equal(socket.readyState, CLOSED);
    assert.deepEqual(native.calls, [["terminate"]]);
    assert.deepEqual(events, []);
    socket.terminate();
    socket.closed(INFO);
    await tick();
    assert.deepEqual(native.calls, [["terminate"]]);
    assert.deepEqual(events, [["close", GONE]]);
  }
  const ended = openRig();
  ended.socket.closed(INFO);
  ended.socket.terminate();
  await tick();
  assert.deepEqual([ended.native.calls, ended.events], [[], [["close", INFO]]]);
});

Deno.test("CallbackSocket that closes before the open reports nothing, even if an open follows", async () => {
  const { socket, events } = rig();
  socket.closed(GONE);
  assert.equal(socket.readyState, CLOSED);
  socket.opened();
  socket.closed(GONE);
  await tick();
  assert.deepEqual(events, []);
  assert.equal(socket.readyState, CLOSED);
});

Deno.test("CallbackSocket that is terminated before the open drops the connection and reports nothing", async () => {
  const { socket, native, events } = rig();
  socket.terminate();
  assert.equal(socket.readyState, CLOSED);
  assert.deepEqual(native.calls, [["terminate"]]);
  socket.opened();
  await tick();
  assert.deepEqual(events, []);
});

Deno.test("CallbackSocket is CLOSING after the client's close, and leaves the answer to the runtime", async () => {
  const { socket, native, events } = openRig();
  native.isOpen = false;
  assert.equal(socket.readyState, CLOSING);
  socket.close(1000, "");
  assert.deepEqual(native.calls, []);
  socket.closed(INFO);
  await tick();
  assert.deepEqual(events, [["close", INFO]]);
});

Deno.test("CallbackSocket.bufferedAmount is that of the wire while OPEN or CLOSING, otherwise 0", () => {
  const { socket, native } = rig();
  native.buffered = 7;
  assert.equal(socket.bufferedAmount, 0);
  socket.opened();
  assert.equal(socket.bufferedAmount, 7);
  socket.close(1000, "");
  assert.equal(socket.bufferedAmount, 7);
  socket.closed(INFO);
  assert.equal(socket.bufferedAmount, 0);
});

Deno.test("CallbackSocket.pause() and resume() reach the wire once each, and close() resumes", () => {
  const { socket, native } = openRig();
  socket.resume();
  socket.pause();
  socket.pause();
  socket.resume();
  socket.resume();
  assert.deepEqual(native.calls, [["pause"], ["resume"]]);
  socket.pause();
  socket.close(1000, "");
  assert.deepEqual(native.calls.slice(2), [["pause"], ["close", 1000, ""], ["resume"]]);
});

Deno.test("CallbackSocket has flow and heartbeat only if its wire has them", () => {
  const { socket, native } = openRig();
  native.heard = 5;
  socket.heartbeat?.ping();
  socket.heartbeat?.ping(new Uint8Array([1, 2]));
  socket.flow?.pause();
  socket.flow?.resume();
  assert.equal(socket.heartbeat?.activity(), 5);
  assert.deepEqual(native.calls, [["ping"], ["ping", 1, 2], ["pause"], ["resume"]]);
  assert.equal(socket.topics, undefined);
  const plain = openRig(plainWire);
  plain.socket.pause();
  plain.socket.resume();
  plain.socket.ping();
  assert.deepEqual(plain.native.calls, []);
  const { topics, flow, heartbeat } = plain.socket;
  assert.deepEqual([topics, flow, heartbeat], [undefined, undefined, undefined]);
});

Deno.test("CallbackSocket keeps its state rules under random calls and reports", async () => {
  const steps: Record<string, (rig: Rig) => void> = {
    send: ({ socket }) => socket.send(HELLO, true),
    close: ({ socket }) => socket.close(1000, ""),
    terminate: ({ socket }) => socket.readyState !== CONNECTING && socket.terminate(),
    pause: ({ socket }) => socket.pause(),
    resume: ({ socket }) => socket.resume(),
    opened: ({ socket }) => socket.opened(),
    received: ({ socket }) => socket.received("x", 1),
    controlled: ({ socket }) => socket.controlled("ping", new Uint8Array()),
    drained: ({ socket }) => socket.drained(),
    failed: ({ socket }) => socket.failed(FAILURE),
    closed: ({ socket }) => socket.closed(INFO),
    clientCloses: ({ native }) => void (native.isOpen = false),
    tick: () => {},
  };
  const calls = ["send", "close", "terminate", "pause", "resume"] as const;
  const script = fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(script, fc.subarray([...calls]), async (names, reentrant) => {
      const made = rig();
      const { socket, native, events } = made;
      for (const call of reentrant) native.during[call] = () => socket.closed(INFO);
      let state = socket.readyState;
      for (const name of names) {
        const before = native.calls.length;
        steps[name]!(made);
        if (native.calls.length > before && name === "send") assert.equal(state, OPEN);
        assert.ok(socket.readyState >= state, `${name} moved the state back`);
        state = socket.readyState;
        if (name === "tick") await tick();
      }
      await tick();
      state = socket.readyState;
      const heard = events.map(([event]) => event);
      assert.ok(heard.every((event) => !String(event).endsWith("!")), heard.join());
      if (heard.includes("close")) assert.equal(heard.indexOf("close"), heard.length - 1);
      if (heard.length > 0) assert.equal(heard.indexOf("open"), 0);
      assert.equal(heard.includes("close"), heard.length > 0 && state === CLOSED);
      if (heard.includes("error")) assert.ok(heard.indexOf("error") >= heard.length - 2);
      for (const once of ["close", "terminate"]) {
        assert.ok(native.calls.filter(([call]) => call === once).length <= 1);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("CallbackSocket.close() waits for an empty queue if the native close would lose queued bytes", async () => {
  const { socket, native, events } = openRig({ ...fullWire, closeForgetsQueue: true });
  native.buffered = 10;
  socket.close(4000, "x");
  socket.send(HELLO, true);
  native.buffered = 3;
  socket.drained();
  assert.deepEqual([native.calls, socket.readyState, socket.bufferedAmount], [[], CLOSING, 3]);
  native.buffered = 0;
  socket.drained();
  socket.drained();
  await tick();
  assert.deepEqual([native.calls, events], [[["close", 4000, "x"]], []]);
  const empty = openRig({ ...fullWire, closeForgetsQueue: true });
  empty.socket.close(1000, "");
  assert.deepEqual(empty.native.calls, [["close", 1000, ""]]);
});

Deno.test("CallbackSocket calls onclosing before the wire closes, and at the end of the connection", async () => {
  const expected = { close: [CLOSING, 0], terminate: [CLOSED, 1], closed: [CLOSED, 0] };
  for (const end of ["close", "terminate", "closed"] as const) {
    const { socket, native } = openRig();
    const states: unknown[] = [];
    socket.listener!.onclosing = () => states.push([socket.readyState, native.calls.length]);
    if (end === "close") socket.close(1000, "");
    if (end === "terminate") socket.terminate();
    if (end === "closed") socket.closed(INFO);
    assert.deepEqual(states[0], expected[end]);
    socket.closed(INFO);
    await tick();
    assert.ok(states.length <= 2);
  }
});

const GROUP: BroadcastDomain = {
  topic() {
    throw new Error("only the hub creates native topics");
  },
};

const topicWire: Wire<Native> = {
  ...plainWire,
  closeForgetsQueue: true,
  topics: {
    domain: () => GROUP,
    subscribe: (native, name) => void native.calls.push(["subscribe", name]),
    unsubscribe: (native, name) => void native.calls.push(["unsubscribe", name]),
    broadcast: (native, name, { payload }, compress) =>
      void native.calls.push(["broadcast", name, payload, compress]),
    unflushed: () => 5,
    flushed: (native) => void native.calls.push(["flushed"]),
    awaitFlush: (native) => void native.calls.push(["awaitHeld"]),
  },
};

Deno.test("CallbackSocket forwards native topics while the native socket exists, if the wire has them", async () => {
  const { socket, native } = rig(topicWire);
  socket.opened();
  socket.send(HELLO, false);
  assert.deepEqual([socket.domain, socket.unflushedAmount, socket.bufferedAmount], [GROUP, 0, 0]);
  native.calls.length = 0;
  socket.subscribe("a");
  assert.deepEqual([socket.unflushedAmount, socket.bufferedAmount], [5, 5]);
  socket.send(HELLO, false);
  socket.broadcast("a", HELLO, false);
  native.buffered = 1;
  socket.close(1000, "");
  socket.unsubscribe("a");
  const { payload } = HELLO;
  const calls = [
    ["subscribe", "a"],
    ["send", payload, false],
    ["flushed"],
    ["broadcast", "a", payload, false],
    ["awaitHeld"],
    ["unsubscribe", "a"],
  ];
  assert.deepEqual(native.calls, calls);
  socket.closed(INFO);
  socket.unsubscribe("b");
  assert.deepEqual([socket.domain, socket.unflushedAmount, socket.bufferedAmount], [
    undefined,
    0,
    0,
  ]);
  await tick();
  assert.equal(native.calls.length, 6);
  assert.equal(socket.topics, socket);
  const without = openRig().socket;
  assert.deepEqual([without.domain, without.unflushedAmount], [undefined, 0]);
});
