import assert from "node:assert/strict";
import { Timers } from "../../../common/timers.ts";
import { DriverLink } from "../../../pubsub/driver_link.ts";
import type { LinkHost, NodePublish } from "../../../pubsub/node_link.ts";
import type { SyncDriver, SyncMessage } from "../../../pubsub/sync_adapter.ts";
import { encode } from "../../../socket/frame.ts";
import { stopwatch } from "../../harness/time_limit.ts";

/** Records what a link tells its hub. */
class FakeHost implements LinkHost {
  readonly timers: Timers = new Timers();
  readonly counts = { framesOut: 0, bytesOut: 0, framesIn: 0, bytesIn: 0, invalid: 0 };
  readonly lines: string[] = [];

  deliver({ namespace, topic, frame: { payload }, compress }: NodePublish): void {
    const data = typeof payload === "string" ? payload : [...payload];
    this.lines.push(JSON.stringify([namespace ?? null, topic, data, compress]));
  }
  up(): void {
    this.lines.push("up");
  }
  down(error: unknown): void {
    this.lines.push(`down ${error}`);
  }
  dropped(messages: number, error: unknown): void {
    this.lines.push(`dropped ${messages} ${error}`);
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const message = (data: unknown, namespace: string | undefined = "/") => ({
  namespace,
  topic: "t",
  frame: encode(data),
  compress: false,
});

/** Opens a link over a driver whose methods do nothing, unless they are given. */
async function open(driver: Partial<SyncDriver> = {}): Promise<{
  readonly host: FakeHost;
  readonly link: DriverLink;
  readonly deliver: (message: unknown) => void;
}> {
  const host = new FakeHost();
  let deliver: (message: SyncMessage) => void = () => {};
  const link = new DriverLink({
    subscribe: (given) => void (deliver = given),
    publish() {},
    ...driver,
  }, host);
  link.open();
  await settled();
  return { host, link, deliver: (message) => deliver(message as SyncMessage) };
}

Deno.test("DriverLink throws a TypeError for a value that is no driver", () => {
  const table = [undefined, null, {}, Promise.resolve({}), { subscribe() {} }, { publish() {} }];
  for (const driver of table) {
    assert.throws(() => new DriverLink(driver as SyncDriver, new FakeHost()), {
      name: "TypeError",
      message: /^Cannot use sync as it must be a function that returns a driver: current value/,
    });
  }
});

Deno.test("DriverLink is up when subscribe() has returned or resolved", async () => {
  let confirm = () => {};
  const confirmed = new Promise<void>((resolve) => confirm = resolve);
  const late = await open({ subscribe: () => confirmed });
  assert.deepEqual(late.host.lines, []);
  confirm();
  await settled();
  assert.deepEqual(late.host.lines, ["up"]);
  assert.deepEqual((await open()).host.lines, ["up"]);
});

Deno.test("DriverLink reports a subscribe() that throws or rejects, and goes on", async () => {
  const failures: SyncDriver["subscribe"][] = [
    () => {
      throw new Error("planned");
    },
    () => Promise.reject(new Error("planned")),
  ];
  for (const subscribe of failures) {
    const { host, link } = await open({ subscribe });
    assert.deepEqual(host.lines, ["down Error: planned"]);
    link.publish(message("text"));
    await settled();
    assert.equal(host.counts.framesOut, 1);
  }
});

Deno.test("DriverLink passes messages within the call: text, bytes, and all namespaces as an empty name", async () => {
  const published: unknown[] = [];
  const { link, host } = await open({ publish: (message) => void published.push(message) });
  link.publish(message("é"));
  link.publish(message(Uint8Array.of(1, 2)));
  link.publish({ ...message("all"), namespace: undefined });
  assert.deepEqual(published.map((message) => ({ ...message as SyncMessage })), [
    { namespace: "/", topic: "t", data: "é" },
    { namespace: "/", topic: "t", data: encode(Uint8Array.of(1, 2)).payload },
    { namespace: "", topic: "t", data: "all" },
  ]);
  await settled();
  assert.deepEqual([host.counts.framesOut, host.counts.bytesOut], [3, 7]);
});

Deno.test('DriverLink drops a message for the namespace "", which would reach all namespaces', async () => {
  const published: unknown[] = [];
  const { link, host } = await open({ publish: (message) => void published.push(message) });
  link.publish(message("secret", ""));
  await settled();
  assert.deepEqual(published, []);
  assert.match(host.lines[1]!, /^dropped 1 RangeError: .*namespace/);
});

Deno.test("DriverLink counts a publish() that throws or rejects as dropped", async () => {
  const failures: SyncDriver["publish"][] = [
    () => {
      throw new Error("planned");
    },
    () => Promise.reject(new Error("planned")),
  ];
  for (const publish of failures) {
    const { link, host } = await open({ publish });
    link.publish(message("text"));
    await settled();
    assert.deepEqual(host.lines, ["up", "dropped 1 Error: planned"]);
    assert.equal(host.counts.framesOut, 0);
  }
});

Deno.test("DriverLink delivers text and bytes, also before subscribe() has resolved", async () => {
  const { host, deliver } = await open({
    subscribe(deliver) {
      deliver({ namespace: "/", topic: "t", data: "early" });
    },
  });
  assert.deepEqual(host.lines, ['["/","t","early",true]', "up"]);
  deliver({ namespace: "/", topic: "t", data: "ignored" }); // of another driver
  const second = await open();
  second.deliver({ namespace: "/", topic: "t", data: "" });
  second.deliver({ namespace: "", topic: "", data: Uint8Array.of(7) });
  second.deliver({ topic: "t", data: new DataView(new ArrayBuffer(1)) });
  assert.deepEqual(second.host.lines.slice(1), [
    '["/","t","",true]',
    '[null,"",[7],true]',
    '[null,"t",[0],true]',
  ]);
  assert.deepEqual(second.host.counts, {
    framesOut: 0,
    bytesOut: 0,
    framesIn: 3,
    bytesIn: 2,
    invalid: 0,
  });
});

Deno.test("DriverLink counts values that are not messages as invalid, and never throws into the driver", async () => {
  const { host, deliver } = await open();
  const table = [
    undefined,
    null,
    5,
    "text",
    {},
    { namespace: "/", topic: "t" },
    { namespace: "/", topic: 5, data: "x" },
    { namespace: 5, topic: "t", data: "x" },
    { namespace: "/", topic: "t", data: { x: 1 } },
    { namespace: "/", topic: "t", data: null },
    { namespace: "/", topic: "t", data: Promise.reject(new Error("planned")).catch(() => {}) },
  ];
  for (const message of table) deliver(message);
  assert.deepEqual(host.lines, ["up"]);
  assert.deepEqual([host.counts.framesIn, host.counts.invalid], [table.length, table.length]);
});

Deno.test("DriverLink.close() closes the driver, if it has close()", async () => {
  let closes = 0;
  const { link } = await open({ close: () => void closes++ });
  await link.close();
  assert.equal(closes, 1);
  await (await open()).link.close();
  const failing = await open({ close: () => Promise.reject(new Error("planned")) });
  await assert.rejects(failing.link.close(), /planned/);
});

Deno.test("DriverLink.close() waits at most two seconds for the driver", async () => {
  const { link, host } = await open({ close: () => new Promise(() => {}) });
  const stop = stopwatch(), start = performance.now();
  await assert.rejects(link.close(), { message: "the driver's close() takes over 2000 ms" });
  assert.ok(performance.now() - start >= 1999);
  assert.ok(stop() < 5000);
  const quick = await open({ close: () => Promise.resolve() });
  await quick.link.close();
  assert.deepEqual([host.timers.size, quick.host.timers.size], [0, 0]);
});

Deno.test("DriverLink throws a TypeError for a promise that rejects, and handles its rejection", async () => {
  const rejected = Promise.reject(new Error("planned"));
  assert.throws(() => new DriverLink(rejected as unknown as SyncDriver, new FakeHost()), TypeError);
  await settled(); // an unhandled rejection fails the test
});
