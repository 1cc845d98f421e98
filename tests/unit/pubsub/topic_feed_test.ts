import assert from "node:assert/strict";
import { Deferred } from "../../../common/deferred.ts";
import type { HistoryPage } from "../../../pubsub/broker.ts";
import { decodeKept, encodeKept } from "../../../pubsub/history/kept_frame.ts";
import { TopicFeed } from "../../../pubsub/history/topic_feed.ts";
import { Frame } from "../../../socket/frame.ts";

const NODE = new Uint8Array(8);
const EPOCH = 7;

const kept = (text: string) => encodeKept(NODE, { frame: new Frame(text), compress: true });

/** A feed, what it has delivered and told, and the reads that wait for their answer. */
class Setup {
  connection: number | undefined = 1;
  readonly got: string[] = [];
  readonly reads: { since?: number; limit: number; answer(page: HistoryPage | Error): void }[] = [];
  readonly feed: TopicFeed;

  constructor(size = 3) {
    const connection = () => this.connection;
    this.feed = new TopicFeed(
      { namespace: "n", topic: "t", keep: { size, ttl: 1000 } },
      "channel",
      {
        get connection() {
          return connection();
        },
        store: {
          append: () => Promise.reject(new Error("not used")),
          read: (_channel, since, { limit }) =>
            new Promise((resolve, reject) => {
              const answer = (page: HistoryPage | Error) =>
                page instanceof Error ? reject(page) : resolve(page);
              this.reads.push({ ...(since && { since: since.offset }), limit, answer });
            }),
        },
        confirmed: () => Promise.resolve(),
        decode: (frame) => decodeKept(frame, NODE),
        entryOf: (_position, { frame, compress }) => ({ frame, compress }),
        deliver: ({ frame }) => void this.got.push(String(frame.payload)),
        missed: (reason) => void this.got.push(`missed: ${reason}`),
        report: (error) => void this.got.push(`error: ${(error as Error).message}`),
      },
    );
  }

  /** Offset of the newest message of the log, if the log is whole. */
  get wholeTo(): number | undefined {
    return this.feed.whole?.top.offset;
  }

  /** Messages with these offsets arrive. */
  arrive(first: number, last = first, epoch = EPOCH): void {
    const offsets = Array.from({ length: last - first + 1 }, (_, i) => `${first + i}`);
    this.feed.received({ epoch, offset: first }, offsets.map(kept));
  }

  /** Answers the next read with the messages of these offsets. */
  async answer(first: number, last: number, epoch = EPOCH): Promise<void> {
    const offsets = Array.from({ length: last - first + 1 }, (_, i) => `${first + i}`);
    this.reads.shift()!.answer({ top: { epoch, offset: last }, frames: offsets.map(kept) });
    await turns();
  }

  async fail(): Promise<void> {
    this.reads.shift()!.answer(new Error("denied"));
    await turns();
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await undefined;
}

Deno.test("TopicFeed delivers what arrives during a read after it, once", async () => {
  const it = new Setup();
  void it.feed.begin();
  await turns();
  it.arrive(5, 6);
  assert.deepEqual([it.got, it.reads[0]!.limit], [[], 0]);
  await it.answer(6, 5); // the newest message is 5
  assert.deepEqual(it.got, ["5", "6"]);
  it.arrive(7);
  assert.deepEqual(it.got, ["5", "6", "7"]);
  assert.equal(it.wholeTo, undefined, "the log lacks the messages up to 4");
});

Deno.test("TopicFeed reads a gap, and delivers nothing meanwhile", async () => {
  const it = new Setup(9);
  it.arrive(1, 2);
  it.arrive(5);
  it.arrive(6);
  await turns();
  assert.deepEqual(it.got, ["1", "2"]);
  assert.equal(it.reads[0]!.since, 2);
  await it.answer(3, 5);
  assert.deepEqual(it.got, ["1", "2", "3", "4", "5", "6"]);
});

Deno.test("TopicFeed tells of messages that the history no longer has, before the next ones", async () => {
  const it = new Setup(3);
  it.arrive(1);
  it.arrive(9);
  await turns();
  await it.answer(7, 9);
  assert.deepEqual(it.got, ["1", "missed: trimmed", "7", "8", "9"]);
});

Deno.test("TopicFeed tells of another history, and of one that has gone back", async () => {
  const it = new Setup(3);
  it.arrive(1, 2);
  void it.feed.heal();
  await turns();
  await it.answer(1, 1, 8);
  assert.deepEqual(it.got.splice(0), ["1", "2", "missed: epoch", "1"]);
  it.arrive(2, 3, 8);
  void it.feed.heal();
  await turns();
  await it.answer(1, 2, 8); // the broker has lost a message, and not begun another epoch
  assert.deepEqual(it.got.splice(0), ["2", "3", "missed: epoch", "1", "2"]);
});

Deno.test("TopicFeed goes on after a gap that cannot be read, and tells of it", async () => {
  const it = new Setup(3);
  it.arrive(1);
  it.arrive(3);
  await turns();
  await it.fail();
  assert.deepEqual(it.got, ["1", "error: denied", "missed: unavailable", "3"]);
  assert.equal(it.wholeTo, undefined);
  it.arrive(4);
  assert.equal(it.got.at(-1), "4");
});

Deno.test("TopicFeed keeps what has arrived until the lost connection is back", async () => {
  const it = new Setup(5);
  it.arrive(1);
  it.arrive(3);
  await turns();
  it.connection = undefined;
  await it.fail();
  assert.deepEqual(it.got.splice(0), ["1", "error: denied"]);
  it.connection = 2;
  void it.feed.heal();
  await turns();
  await it.answer(1, 4);
  assert.deepEqual(it.got, ["2", "3", "4"]);
});

Deno.test("TopicFeed reads again if a read fails as its connection has been replaced", async () => {
  const it = new Setup(5);
  it.arrive(1);
  it.arrive(3);
  await turns();
  it.connection = 2;
  await it.fail();
  assert.deepEqual(it.got.splice(0), ["1", "error: denied"]);
  assert.equal(it.reads.length, 1);
  await it.answer(1, 3);
  assert.deepEqual(it.got, ["2", "3"]);
});

Deno.test("TopicFeed holds what comes on a new connection until it has read what it missed", async () => {
  const it = new Setup(5);
  it.arrive(1);
  it.connection = undefined; // 2 and 3 are missed
  it.arrive(1, 1, 8); // another history, before `up`
  it.connection = 2;
  it.arrive(2, 2, 8); // after `up`, before `heal`
  assert.deepEqual(it.got.splice(0), ["1"]);
  void it.feed.heal();
  await turns();
  await it.answer(1, 2, 8);
  assert.deepEqual(it.got.splice(0), ["missed: epoch", "1", "2"]);
  it.arrive(3, 3, 8);
  assert.deepEqual(it.got, ["3"]);
});

Deno.test("TopicFeed tells of what it may have missed if it cannot read after a lost connection", async () => {
  const it = new Setup(5);
  it.arrive(1);
  it.connection = 2;
  it.arrive(1, 1, 8);
  void it.feed.heal();
  await turns();
  await it.fail();
  assert.deepEqual(it.got, ["1", "error: denied", "missed: unavailable", "1"]);
});

Deno.test("TopicFeed holds on if the connection is lost just after the answer of a read", async () => {
  const it = new Setup(5);
  it.arrive(1);
  void it.feed.heal();
  await turns();
  const answered = it.answer(2, 2);
  it.connection = undefined;
  await answered;
  it.connection = 2; // 3 is missed
  it.arrive(1, 1, 8);
  assert.deepEqual(it.got.splice(0), ["1", "2"]);
  void it.feed.heal();
  await turns();
  await it.answer(1, 1, 8);
  assert.deepEqual(it.got, ["missed: epoch", "1"]);
});

Deno.test("TopicFeed delivers the last messages of a history before those of the next one", async () => {
  const it = new Setup(5);
  it.arrive(1);
  void it.feed.heal();
  await turns();
  it.arrive(2);
  await it.answer(1, 1, 8);
  assert.deepEqual(it.got, ["1", "2", "missed: epoch", "1"]);
  it.arrive(2, 2, 8);
  assert.equal(it.got.at(-1), "2");
});

Deno.test("TopicFeed tells of messages missed between two connections, also before its first read", async () => {
  const it = new Setup(5);
  void it.feed.begin();
  await turns();
  it.arrive(1);
  it.connection = undefined; // 2 is missed
  await it.fail();
  it.arrive(1, 1, 8);
  it.connection = 2;
  void it.feed.heal();
  await turns();
  await it.answer(1, 1, 8);
  assert.deepEqual(it.got, ["error: denied", "1", "missed: epoch", "1"]);
});

Deno.test("TopicFeed does not go back to a history that began and ended while it held messages", async () => {
  const it = new Setup(5);
  it.arrive(1);
  void it.feed.heal();
  await turns();
  it.arrive(1, 2, 8);
  it.arrive(2, 2, 9);
  await it.answer(1, 2, 9);
  assert.deepEqual(it.got.splice(0), ["1", "missed: epoch", "1", "2"]);
  await it.answer(3, 2, 9); // whether 8 came before 9 is known only after another read
  it.arrive(3, 3, 9);
  assert.deepEqual([it.got, it.reads], [["3"], []]);
});

Deno.test("TopicFeed tells of a history that ended before its first read", async () => {
  const it = new Setup(5);
  void it.feed.begin();
  await turns();
  it.arrive(1, 2, 8);
  it.arrive(2, 2, 9);
  await it.answer(3, 2, 9);
  assert.deepEqual(it.got, ["missed: epoch", "2"]);
});

Deno.test("TopicFeed.refresh() shares one read, and the log is whole afterwards", async () => {
  const it = new Setup(3);
  const done = new Deferred();
  void Promise.all([it.feed.refresh(), it.feed.refresh(), it.feed.refresh()]).then(done.resolve);
  await turns();
  assert.equal(it.reads.length, 1);
  assert.deepEqual(it.wholeTo, undefined);
  await it.answer(1, 2);
  await done.promise;
  assert.equal(it.wholeTo, 2);
  assert.deepEqual(it.got, [], "no subscriber was there before");
});

Deno.test("TopicFeed gives a malformed message its place, and delivers nothing for it", () => {
  const it = new Setup(3);
  it.feed.received({ epoch: EPOCH, offset: 1 }, [kept("1"), new Uint8Array([9]), kept("3")]);
  assert.deepEqual(it.got, ["1", "3"]);
  assert.deepEqual(it.reads, []);
});

Deno.test("TopicFeed holds more messages than a call takes arguments", async () => {
  const setup = new Setup();
  setup.arrive(1);
  setup.arrive(3, 300_002);
  await turns();
  await setup.answer(300_000, 300_002);
  assert.deepEqual(setup.got, ["1", "missed: trimmed", "300000", "300001", "300002"]);
});

Deno.test("TopicFeed tells of missed messages if another program has deleted all of them", async () => {
  for (const held of [undefined, 2, 4, 6]) {
    const setup = new Setup(10);
    setup.arrive(1);
    setup.connection = 2;
    const healed = setup.feed.heal();
    await turns();
    if (held !== undefined) setup.arrive(held, 6);
    setup.reads.shift()!.answer({ top: { epoch: EPOCH, offset: 5 }, frames: [] });
    await healed;
    const texts = ["2", "3", "4", "5", "6"], gap = held === 2 ? [] : ["missed: trimmed"];
    const got = ["1", ...gap, ...held === undefined ? [] : texts.slice(held - 2)];
    assert.deepEqual([setup.got, setup.wholeTo], [got, held === undefined ? 5 : 6], `${held}`);
    assert.equal(setup.feed.whole!.first, held === 2 ? 1 : held ?? 6);
  }
});
