import assert from "node:assert/strict";
import type { HistoryMessageInfo } from "../../pubsub/history/format.ts";
import type { MissedReason, SubscribeOptions } from "../../pubsub/history/subscribe_options.ts";
import type { Case, CaseServerOptions } from "../fixtures/case.ts";

/** A request of a client: what to subscribe to, or what to publish. */
interface Request extends SubscribeOptions {
  readonly topic?: string;
  readonly publish?: string;
  readonly leave?: boolean;
  readonly plain?: boolean;
}

/** Result of a subscription, as a client gets it. */
interface Subscribed {
  readonly position?: string;
  readonly recovered: boolean;
  readonly replayed: number;
  readonly reason?: MissedReason;
}

const history = { size: 5, ttl: 60_000 };

/** Server whose clients subscribe and publish by messages, in one namespace. */
function server(options: CaseServerOptions = {}): CaseServerOptions {
  return {
    topics: (topic) => topic.startsWith("h") ? { history } : undefined,
    ...options,
    hooks: {
      upgrade: () => ({ namespace: "n" }),
      async message(peer, message) {
        const { topic = "h", publish, leave, plain, ...given } = message.json<Request>();
        if (publish !== undefined) return void peer.publish(topic, publish);
        if (leave) return peer.unsubscribe(topic);
        if (plain) return peer.subscribe(topic);
        const result = await peer.subscribe(topic, given);
        peer.send({ result });
      },
    },
  };
}

/** Client of {@linkcode server}. */
interface Socket {
  send(data: string): void;
  text(): Promise<string>;
}

/** Subscribes, and returns the result and the messages that came before it. */
async function subscribe(
  socket: Socket,
  request: Request = {},
): Promise<Subscribed & { readonly messages: string[] }> {
  socket.send(JSON.stringify(request));
  const messages: string[] = [];
  for (;;) {
    const text = await socket.text();
    if (text.startsWith('{"result"')) return { ...JSON.parse(text).result, messages };
    messages.push(text);
  }
}

const publish = (socket: Socket, ...texts: string[]) => {
  for (const text of texts) socket.send(JSON.stringify({ publish: text }));
};

/** N4 in one process: topics with history. */
export const historyCases: readonly Case[] = [
  {
    id: "N4.recovers",
    fact:
      "a client that comes back gets what it has missed, once and in order, before new messages",
    server: () => server(),
    async run(client) {
      const publisher = await client.connect();
      const first = await client.connect();
      const { position, recovered, replayed, reason } = await subscribe(first);
      assert.deepEqual([recovered, replayed, reason], [false, 0, undefined]);
      publish(publisher, "1", "2");
      assert.deepEqual([await first.text(), await first.text()], ["1", "2"]);
      first.close();
      await first.closed;
      publish(publisher, "3", "4");
      const second = await client.connect();
      await subscribe(publisher, { topic: "none" }); // the publishes have been handled
      const back = await subscribe(second, { since: position });
      assert.deepEqual(back.messages, ["1", "2", "3", "4"]);
      assert.deepEqual([back.recovered, back.replayed], [true, 4]);
      publish(publisher, "5");
      assert.equal(await second.text(), "5");
      const third = await client.connect(),
        later = await subscribe(third, { since: back.position });
      assert.deepEqual([later.messages, later.recovered, later.replayed], [["5"], true, 1]);
      const fourth = await client.connect(),
        now = await subscribe(fourth, { since: later.position });
      assert.deepEqual([now.messages, now.recovered, now.replayed], [[], true, 0]);
    },
  },
  {
    id: "N4.reasons",
    fact: "a client whose missed messages cannot all be sent gets none of them, and the reason",
    server: () => server(),
    async run(client) {
      const publisher = await client.connect();
      const { position } = await subscribe(await client.connect());
      publish(publisher, "1", "2", "3", "4", "5");
      const { position: top } = await subscribe(publisher);
      const epoch = position!.split(".")[0];
      const { position: other } = await subscribe(await client.connect(), { topic: "h2" });
      const rows: [Request, MissedReason][] = [
        [{ since: position, limit: 4 }, "limit"],
        [{ since: other }, "epoch"],
        [{ since: `${epoch}.6` }, "epoch"],
        [{ since: `${epoch}.999999999999999` }, "epoch"],
        [{ since: `${epoch}.01` }, "epoch"],
        [{ since: "" }, "epoch"],
        [{ since: "\0.1" }, "epoch"],
        [{ since: "x".repeat(10_000) }, "epoch"],
        [{ topic: "plain", since: position }, "no history"],
        [{ topic: "plain" }, "no history"],
      ];
      for (const [request, reason] of rows) {
        const result = await subscribe(await client.connect(), request);
        assert.deepEqual(result.messages, [], JSON.stringify(request));
        assert.deepEqual([result.recovered, result.replayed], [false, 0]);
        assert.equal(result.reason, reason, JSON.stringify(request));
        if (reason !== "no history") assert.equal(result.position, top);
      }
      publish(publisher, "6");
      assert.equal(
        (await subscribe(await client.connect(), { since: position })).reason,
        "trimmed",
      );
      const again = await subscribe(publisher, { since: position });
      assert.deepEqual([again.reason, again.messages], ["subscribed", []]);
    },
  },
  {
    id: "N4.latest",
    fact: "a new client gets the latest messages that it asks for, and no others",
    server: () => server({ limits: { recoverLimit: 3 } }),
    async run(client) {
      const publisher = await client.connect();
      publish(publisher, "1", "2", "3", "4", "5", "6", "7");
      await subscribe(publisher);
      const rows: [Request, string[]][] = [
        [{ limit: 2 }, ["6", "7"]],
        [{ limit: 0 }, []],
        [{ limit: 100 }, ["5", "6", "7"]],
        [{}, []],
      ];
      for (const [request, expected] of rows) {
        const { messages, recovered, reason } = await subscribe(await client.connect(), request);
        assert.deepEqual([messages, recovered, reason], [expected, false, undefined]);
      }
    },
  },
  {
    id: "N4.expires",
    fact: "a history ends when no message has come for its time to live",
    server: () => server({ topics: () => ({ history: { size: 5, ttl: 100 } }) }),
    async run(client) {
      const publisher = await client.connect();
      const { position } = await subscribe(await client.connect());
      publish(publisher, "1");
      await subscribe(publisher, { topic: "other" });
      await new Promise((resolve) => setTimeout(resolve, 150));
      const late = await subscribe(await client.connect(), { since: position });
      assert.deepEqual([late.messages, late.recovered, late.reason], [[], false, "epoch"]);
      assert.match(late.position!, /\.0$/);
    },
  },
  {
    id: "N4.format",
    fact: "format() decides what clients get of a topic with history, live and again",
    server: (server_) =>
      server({
        format: ({ topic, namespace, data, position }: HistoryMessageInfo) => {
          if (data === "broken") throw new Error("cannot format this");
          return { topic, namespace, data, position };
        },
        onError: (error, { stage }) => server_.log("error", stage, (error as Error).message),
      }),
    async run(client) {
      const publisher = await client.connect(), live = await client.connect();
      const { position } = await subscribe(live);
      publish(publisher, "1", "broken", "2");
      const texts = [await live.text(), await live.text(), await live.text()];
      const [first, broken, second] = texts;
      const epoch = position!.split(".")[0];
      assert.deepEqual(JSON.parse(first!), {
        topic: "h",
        namespace: "n",
        data: "1",
        position: `${epoch}.1`,
      });
      assert.equal(broken, "broken");
      assert.equal(JSON.parse(second!).position, `${epoch}.3`);
      const back = await subscribe(await client.connect(), { since: position });
      assert.deepEqual(back.messages, texts);
      const after = await subscribe(await client.connect(), { since: JSON.parse(first!).position });
      assert.deepEqual(after.messages, texts.slice(1));
      const [error] = await client.logged("error");
      assert.deepEqual(error!.data, ["format", "cannot format this"]);
    },
  },
  {
    id: "N4.publishers",
    fact:
      "publish() to a topic with history counts and excludes as without, keeps the type, and needs a namespace",
    server: (server_) => {
      const options = server({
        commands: {
          publish: () => server_.ws.publish("h", "all", { namespace: "n" }),
          local: () => server_.ws.publish("h", "here", { namespace: "n", local: true }),
          bytes: () => server_.ws.publish("h", new Uint8Array([1, 2]), { namespace: "n" }),
          everywhere() {
            try {
              return server_.ws.publish("h", "x");
            } catch (error) {
              return `${(error as Error).name}: ${(error as Error).message}`;
            }
          },
        },
      });
      return options;
    },
    async run(client) {
      const a = await client.connect(), b = await client.connect();
      const { position } = await subscribe(a);
      await subscribe(b);
      assert.equal(await client.command("publish"), 2);
      publish(a, "from a");
      assert.deepEqual([await a.text(), await b.text(), await b.text()], ["all", "all", "from a"]);
      assert.equal(await client.command("local"), 2);
      assert.deepEqual([await a.text(), await b.text()], ["here", "here"]);
      assert.equal(await client.command("bytes"), 2);
      assert.deepEqual([await a.next(), await b.next()], [
        new Uint8Array([1, 2]),
        new Uint8Array([1, 2]),
      ]);
      assert.match(
        await client.command("everywhere"),
        /^TypeError: .*"h".* has a history.* namespace/,
      );
      const back = await client.connect();
      back.send(JSON.stringify({ since: position }));
      const got = [await back.next(), await back.next(), await back.next()];
      assert.deepEqual(got, ["all", "from a", new Uint8Array([1, 2])]);
    },
  },
  {
    id: "N4.commit",
    fact:
      "commit() resolves with the position of its message, and adds a message once for each key",
    server: (server_) =>
      server({
        commands: {
          commit: ([data, key, topic]) =>
            server_.ws.commit((topic ?? "h") as string, data, { namespace: "n", key }),
          async mistakes() {
            const { ws } = server_, namespace = "n";
            const calls: (() => unknown)[] = [
              () => ws.commit("plain", "x", { namespace }),
              () => ws.commit("h", undefined, { namespace }),
              () => ws.commit(1 as unknown as string, "x", { namespace }),
              () => ws.commit("h", "x", {} as { namespace: string }),
              () => ws.commit("h", "x", undefined as unknown as { namespace: string }),
              () => ws.commit("h", "x", { namespace, key: 1 as unknown as string }),
              () => ws.commit("h", "x", { namespace, keys: "1" } as { namespace: string }),
              () => ws.commit("h", "x", { namespace, key: "é".repeat(128) }),
            ];
            const names: string[] = [];
            for (const call of calls) {
              try {
                await call();
                names.push("no error");
              } catch (error) {
                names.push((error as Error).name);
              }
            }
            return names;
          },
        },
      } as CaseServerOptions),
    async run(client) {
      const socket = await client.connect();
      const { position } = await subscribe(socket);
      const epoch = position!.split(".")[0];
      const commit = (...given: string[]) => client.command<string>("commit", given as never);
      assert.equal(await commit("one"), `${epoch}.1`);
      assert.equal(await commit("two", "key"), `${epoch}.2`);
      assert.equal(await commit("two again", "key"), `${epoch}.2`);
      assert.equal(await commit("three", "other key"), `${epoch}.3`);
      const texts = [await socket.text(), await socket.text(), await socket.text()];
      assert.deepEqual(texts, ["one", "two", "three"]);
      assert.deepEqual(await client.command("mistakes"), [
        ...Array(7).fill("TypeError"),
        "RangeError",
      ]);
    },
  },
  {
    id: "N4.mistakes",
    fact: "wrong options of subscribe() and topics() throw at the call, and subscribe nobody",
    server: (server_) =>
      server({
        topics: (topic) => {
          const wrong: Record<string, unknown> = {
            size: { history: { size: 0, ttl: 1 } },
            half: { history: { size: 1.5, ttl: 1 } },
            ttl: { history: { size: 1 } },
            name: { histories: {} },
            promise: Promise.resolve({}),
            throws: undefined,
          };
          if (topic === "throws") throw new Error("topics() failed");
          return wrong[topic] as undefined;
        },
        commands: {
          mistakes() {
            const [peer] = [...server_.ws.peers.get("n")!];
            const names: string[] = [];
            const calls: (() => unknown)[] = [
              () => peer!.subscribe("h", { since: 1 as unknown as string }),
              () => peer!.subscribe("h", { limit: -1 }),
              () => peer!.subscribe("h", { limit: "1" as unknown as number }),
              () => peer!.subscribe("h", { from: "1" } as object),
              () => peer!.subscribe("size"),
              () => peer!.subscribe("half", {}),
              () => peer!.publish("ttl", "x"),
              () => peer!.subscribe("name"),
              () => peer!.subscribe("promise"),
              () => peer!.subscribe("throws"),
            ];
            for (const call of calls) {
              try {
                call();
                names.push("no error");
              } catch (error) {
                names.push((error as Error).name);
              }
            }
            return { names, topics: [...peer!.topics], all: server_.ws.stats.topics };
          },
        },
      }),
    async run(client) {
      await client.connect();
      assert.deepEqual(await client.command("mistakes"), {
        names: [
          "TypeError",
          "RangeError",
          "TypeError",
          "TypeError",
          "RangeError",
          "RangeError",
          "TypeError",
          "TypeError",
          "TypeError",
          "Error",
        ],
        topics: [],
        all: 0,
      });
    },
  },
  {
    id: "N4.full",
    fact: "what a client has missed is never sent in part because its queue has no room",
    server: () => server({ limits: { maxBuffered: 200_000, highWaterMark: 60_000 } }),
    async run(client) {
      const publisher = await client.connect();
      const { position } = await subscribe(await client.connect(), { topic: "h" });
      publish(publisher, ..."12345".split("").map((digit) => digit.repeat(50_000)));
      await subscribe(publisher);
      const back = await subscribe(await client.connect(), { since: position });
      assert.deepEqual([back.messages, back.recovered, back.reason], [[], false, "limit"]);
      const latest = await subscribe(await client.connect(), { limit: 5 });
      assert.deepEqual(latest.messages.map(([digit]) => digit).slice(-2), ["4", "5"]);
      assert.ok(latest.messages.length < 5);
      assert.equal(latest.replayed, latest.messages.length);
    },
  },
];
