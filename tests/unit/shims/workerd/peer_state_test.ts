import assert from "node:assert/strict";
import {
  pack,
  type PackedPeer,
  packTopics,
  unpack,
} from "../../../../shims/workerd/packed_peer.ts";
import { PeerStore } from "../../../../shims/workerd/peer_state.ts";
import { isSameClone } from "../../../../shims/workerd/same_clone.ts";
import type {
  CloudflareSocket,
  DurableContext,
  DurableKv,
} from "../../../../shims/workerd/workerd.ts";

const ID = "01234567-89ab-4cde-8f01-23456789abcd";
const OLD_KEY = `onepeer:${ID}`;
const packed = pack(JSON.stringify({ i: ID }), "[]", "uint8array", "{}");
const large = pack(JSON.stringify({ i: ID }), "[]", "uint8array", `{"x":"${"x".repeat(20_000)}"}`);

/** Returns a store, its rows, and a socket with an attachment. */
function storeOf(rows: Record<string, unknown> = {}, attachment: unknown = undefined) {
  const kept = new Map(Object.entries(rows));
  const kv = {
    get: (key: string) => kept.get(key),
    put: (key: string, value: unknown) => void kept.set(key, value),
    delete: (key: string) => kept.delete(key),
    list({ prefix, limit = Infinity, startAfter = "" }: Parameters<DurableKv["list"]>[0]) {
      const keys = [...kept.keys()].filter((key) => key.startsWith(prefix) && key > startAfter);
      return keys.sort().slice(0, limit).map((key) => [key, kept.get(key)] as const);
    },
  };
  let attached = attachment;
  const socket = {
    serializeAttachment: (value: unknown) => void (attached = value),
    deserializeAttachment: () => attached,
  } as unknown as CloudflareSocket;
  const store = new PeerStore({ storage: { kv } } as unknown as DurableContext);
  return { store, rows: kept, kv, socket };
}

/** Returns the texts that a function logs. */
function logged(run: () => void): string[] {
  const said: string[] = [];
  const original = console.error;
  console.error = (...words) => said.push(words.join(" "));
  try {
    run();
  } finally {
    console.error = original;
  }
  return said;
}

Deno.test("PeerStore.sweep() deletes the state of peers, and no value of the user", () => {
  const own = {
    "onepeer:settings": "a",
    [`onepeer:${ID.replace("0", "1")}`]: { mine: true },
    "__onepeer__:peer:x": packed,
    other: packed,
  };
  const { store, rows } = storeOf({
    ...own,
    [OLD_KEY]: packed,
    [`__onepeer__:peer:${ID}`]: { rest: packed, context: {} },
  });
  store.sweep();
  assert.deepEqual(Object.fromEntries(rows), own);
});

Deno.test("PeerStore.sweep() reads few rows at a time, as all rows may exceed the memory", () => {
  const ids = Array.from({ length: 95 }, () => crypto.randomUUID());
  const peers = ids.map((id): [string, unknown] => [`__onepeer__:peer:${id}`, packed]);
  const users = ids.map((id): [string, unknown] => [`onepeer:${id}`, "the user's"]);
  const { store, rows, kv } = storeOf(Object.fromEntries([...peers, ...users]));
  const { list } = kv;
  let most = 0;
  kv.list = (options) => {
    const page = list(options);
    most = Math.max(most, page.length);
    return page;
  };
  store.sweep();
  assert.deepEqual([...rows].sort(), users.sort());
  assert.ok(most <= 20, `${most} rows at a time`);
});

Deno.test("PeerStore reads state that an earlier version has written, and moves it to its own key", () => {
  const { store, rows, socket } = storeOf({ [OLD_KEY]: packed }, OLD_KEY);
  const { storageKey } = store.read(socket)!;
  assert.equal(storageKey, OLD_KEY);
  const key = store.write(socket, ID, large, storageKey);
  assert.deepEqual([...rows.keys()], [key]);
  assert.equal(store.read(socket)!.packed, large);
  assert.equal(store.write(socket, ID, packed, key), undefined);
  assert.deepEqual([rows.size, store.read(socket)!.packed], [0, packed]);
});

Deno.test("PeerStore.heard() saves the time of a message beside the state, and writes no row", () => {
  for (const state of [packed, large]) {
    const { store, kv, socket } = storeOf();
    store.heard(socket, 5); // nothing is saved yet
    assert.equal(store.read(socket), undefined);
    const key = store.write(socket, ID, state, undefined, 7);
    assert.deepEqual(store.read(socket), { packed: state, storageKey: key, heardAt: 7 });
    kv.put = () => assert.fail("a row was written");
    store.heard(socket, 9);
    assert.deepEqual(store.read(socket), { packed: state, storageKey: key, heardAt: 9 });
  }
});

Deno.test("PeerStore.read() tries again if the storage fails once, and throws if the state is lost", () => {
  const { store, kv, rows, socket } = storeOf({ [OLD_KEY]: large }, OLD_KEY);
  const { get } = kv;
  for (const fails of [1, 2]) {
    let failures = fails;
    kv.get = (key) => {
      if (failures-- > 0) throw new Error("temporary");
      return get(key);
    };
    assert.equal(store.read(socket)?.packed, large, `${fails} failures`);
  }
  rows.clear();
  assert.throws(() => store.read(socket), /no value onepeer:0123/);
});

Deno.test("PeerStore logs a value that it cannot delete, and goes on", () => {
  const { store, kv, socket } = storeOf({ [OLD_KEY]: packed }, OLD_KEY);
  kv.delete = () => {
    throw new Error("cannot delete");
  };
  const said = logged(() => {
    store.forget(socket, OLD_KEY);
    store.sweep();
  });
  assert.equal(said.length, 2);
  for (const text of said) assert.match(text, /deleted.*cannot delete/);
});

Deno.test("PeerStore.cloneable() names each context value that cannot be cloned once", () => {
  const { store } = storeOf();
  const context = { f() {}, g() {}, user: "ada" };
  const said = logged(() => {
    for (let n = 0; n < 3; n++) assert.deepEqual(store.cloneable(context, ID), { user: "ada" });
  });
  assert.deepEqual(said.map((text) => /context\.(\w)/.exec(text)![1]), ["f", "g"]);
});

Deno.test("isSameClone() compares all values that structuredClone keeps", () => {
  const circular: Record<string, unknown> = { a: [1] };
  circular.self = circular;
  const values: unknown[] = [
    "a",
    1n,
    NaN,
    -0,
    0,
    undefined,
    null,
    new Date(5),
    new Date(6),
    /a/g,
    /a/i,
    new Map([["a", [1]]]),
    new Map([["a", [2]]]),
    new Set([1]),
    new Set(["1"]),
    [1, , 2],
    [1, 2],
    [],
    {},
    { a: undefined },
    { b: undefined },
    new Uint8Array([1, 2]),
    new Uint8Array([1, 3]),
    new Int8Array([1, 2]),
    new Uint8Array([1, 2]).buffer,
    new Error("a"),
    circular,
  ];
  values.forEach((a, i) =>
    values.forEach((b, j) =>
      assert.equal(isSameClone(structuredClone(a), structuredClone(b)), i === j, `${i} and ${j}`)
    )
  );
  assert.equal(isSameClone({ a: packed as PackedPeer }, undefined), false);
});

Deno.test("a saved peer has the topics that it has entered, with their data", () => {
  const saved = (topics: string[], entered: [string, { data?: unknown }][]) => {
    const peer = unpack(pack('{"i":"1"}', packTopics(topics, entered), "uint8array", "{}"));
    return { topics: peer.topics, entered: peer.entered };
  };
  assert.deepEqual(saved(["a", '"'], []), { topics: ["a", '"'], entered: undefined });
  const entered: [string, { data?: unknown }][] = [["__proto__", { data: null }], ["a", {}]];
  assert.deepEqual(saved(["a", "__proto__"], entered), {
    topics: ["a", "__proto__"],
    entered: [["__proto__", null], ["a"]],
  });
});
