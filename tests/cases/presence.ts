import assert from "node:assert/strict";
import type { PresenceState } from "../../pubsub/presence/presence.ts";
import type { PresenceChange } from "../../pubsub/presence/presence_change.ts";
import type { PresenceMember } from "../../pubsub/presence/presence_member.ts";
import type { Case, CaseServer, CaseServerOptions } from "../fixtures/case.ts";
import type { CaseClient } from "../harness/clients/case_client.ts";

/** A request of a client, as a call of a method of its peer. */
interface Request {
  readonly do?: "subscribe" | "unsubscribe" | "enter" | "exit" | "list";
  readonly topic?: string;
  readonly data?: unknown;
}

/** Server whose clients subscribe and enter by messages, and get each change as a message. */
function server(server: CaseServer, options: CaseServerOptions = {}): CaseServerOptions {
  return {
    topics: (topic) => topic.startsWith("p") ? { presence: true } : undefined,
    ...options,
    hooks: {
      upgrade: (request) => ({ namespace: new URL(request.url).searchParams.get("in") ?? "n" }),
      async message(peer, message) {
        const { do: method, topic = "p", data } = message.json<Request>();
        if (method === "subscribe") peer.subscribe(topic);
        else if (method === "unsubscribe") peer.unsubscribe(topic);
        else if (method === "enter") peer.enter(topic, data);
        else if (method === "exit") peer.exit(topic);
        const state = method === "list" &&
          await server.ws.presence(topic, { namespace: peer.namespace });
        peer.send({ id: peer.id, ...state });
      },
      presence: (peer, change) => void peer.send({ change }),
      ...options.hooks,
    },
  };
}

/** Client of {@linkcode server}. */
class Visitor {
  readonly #socket: Awaited<ReturnType<CaseClient["connect"]>>;
  readonly #changes: PresenceChange[] = [];
  id = "";

  private constructor(socket: Awaited<ReturnType<CaseClient["connect"]>>) {
    this.#socket = socket;
  }

  /** Connects a client, which does what the requests say. */
  static async connect(client: CaseClient, ...requests: readonly Request[]): Promise<Visitor> {
    return await this.connectTo(client, "", ...requests);
  }

  static async connectTo(
    client: CaseClient,
    namespace: string,
    ...requests: readonly Request[]
  ): Promise<Visitor> {
    const visitor = new Visitor(await client.connect(namespace && `?in=${namespace}`));
    for (const request of [{}, ...requests]) await visitor.ask(request);
    return visitor;
  }

  /** Sends a request, and returns the answer. */
  async ask(request: Request): Promise<PresenceState> {
    this.#socket.send(JSON.stringify(request));
    for (;;) {
      const { change, id, ...answer } = JSON.parse(await this.#socket.text());
      if (change) this.#changes.push(change);
      else {
        this.id = id;
        return answer;
      }
    }
  }

  /** Returns the next change. */
  async change(): Promise<PresenceChange> {
    return this.#changes.shift() ?? JSON.parse(await this.#socket.text()).change;
  }

  /** Returns what the next changes say about each member together, once `count` are told. */
  async changes(count: number): Promise<Record<string, string>> {
    const told: Record<string, string> = {};
    let found = 0;
    while (found < count) {
      const { topic: _, ...lists } = await this.change();
      for (const [list, members] of Object.entries(lists)) {
        for (const { id, data } of members as PresenceMember[]) {
          told[id] = data === undefined ? list : `${list} ${JSON.stringify(data)}`;
          found++;
        }
      }
    }
    return told;
  }

  /** Returns the members that the server lists, by id. */
  async list(topic = "p"): Promise<Record<string, unknown>> {
    const { members, stale } = await this.ask({ do: "list", topic });
    assert.equal(stale, false);
    assert.equal(new Set(members.map(({ id }) => id)).size, members.length);
    return Object.fromEntries(members.map(({ id, data }) => [id, data]));
  }

  /** Changes that have arrived and that nobody has read. */
  get unread(): number {
    return this.#changes.length;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#socket.closed;
  }

  terminate(): void {
    this.#socket.terminate();
  }
}

const subscribe: Request = { do: "subscribe" };
const enter = (data?: unknown): Request => ({ do: "enter", data });

/** N5 in one process: who is present in a topic. */
export const presenceCases: readonly Case[] = [
  {
    id: "N5.life",
    fact: "subscribers are told who has entered, has new data, and has left by exit()",
    server,
    async run(client) {
      const watcher = await Visitor.connect(client, subscribe);
      assert.deepEqual(await watcher.list(), {});
      const ann = await Visitor.connect(client, subscribe, enter({ name: "Ann" }));
      assert.deepEqual(await watcher.change(), {
        topic: "p",
        joined: [{ id: ann.id, data: { name: "Ann" } }],
        updated: [],
        left: [],
      });
      assert.deepEqual(await ann.changes(1), { [ann.id]: 'joined {"name":"Ann"}' });
      const bob = await Visitor.connect(client, subscribe, enter());
      assert.deepEqual(await watcher.change(), {
        topic: "p",
        joined: [{ id: bob.id }],
        updated: [],
        left: [],
      });
      assert.deepEqual(await watcher.list(), { [ann.id]: { name: "Ann" }, [bob.id]: undefined });
      await ann.ask(enter({ name: "Ann" })); // the same data: nobody is told
      await ann.ask(enter(["away", null, 0.5]));
      assert.deepEqual(await watcher.changes(1), { [ann.id]: 'updated ["away",null,0.5]' });
      await bob.ask({ do: "exit" });
      await bob.ask({ do: "exit" });
      assert.deepEqual(await watcher.changes(1), { [bob.id]: "left" });
      assert.deepEqual(await bob.list(), { [ann.id]: ["away", null, 0.5] });
      await ann.ask({ do: "exit" });
      assert.deepEqual(await watcher.change(), {
        topic: "p",
        joined: [],
        updated: [],
        left: [{ id: ann.id, data: ["away", null, 0.5] }],
      });
      assert.deepEqual(await watcher.list(), {});
    },
  },
  {
    id: "N5.ends",
    fact: "a member leaves at unsubscribe(), at its close, and when its connection drops",
    server,
    async run(client) {
      const watcher = await Visitor.connect(client, subscribe);
      const leave: readonly ((visitor: Visitor) => unknown)[] = [
        (visitor) => visitor.ask({ do: "unsubscribe" }),
        (visitor) => visitor.close(),
        (visitor) => visitor.terminate(),
      ];
      for (const how of leave) {
        const visitor = await Visitor.connect(client, subscribe, enter(1));
        assert.deepEqual(await watcher.changes(1), { [visitor.id]: "joined 1" });
        await how(visitor);
        assert.deepEqual(await watcher.changes(1), { [visitor.id]: "left 1" });
        assert.deepEqual(await watcher.list(), {});
      }
    },
  },
  {
    id: "N5.who",
    fact: "presence is known to the subscribers of its topic in its namespace, and to no others",
    server,
    async run(client) {
      const watcher = await Visitor.connect(client, subscribe);
      const others = [
        await Visitor.connect(client, { do: "subscribe", topic: "p2" }),
        await Visitor.connectTo(client, "m", subscribe),
        await Visitor.connect(client, subscribe, { do: "unsubscribe" }),
      ];
      const ann = await Visitor.connect(client, subscribe, enter(1));
      assert.deepEqual(await watcher.changes(1), { [ann.id]: "joined 1" });
      assert.deepEqual(await others[0]!.list("p2"), {});
      assert.deepEqual(await others[1]!.list(), {});
      assert.deepEqual(await others[2]!.list(), { [ann.id]: 1 }); // may ask without subscription
      assert.deepEqual(others.map(({ unread }) => unread), [0, 0, 0]);
    },
  },
  {
    id: "N5.gathered",
    fact: "changes within 50 ms are told together, with each member once",
    server: (it) =>
      server(it, {
        commands: {
          turn() {
            const [a, b, c, d] = [...it.ws.peers.get("n")!];
            a!.enter("p", "a");
            b!.enter("p", "b");
            b!.enter("p", "b2");
            b!.exit("p");
            c!.enter("p", "c");
            c!.exit("p");
            c!.enter("p", "c2");
            d!.enter("p", "d2");
            d!.exit("p");
            d!.enter("p", "d");
          },
        },
      }),
    async run(client) {
      const [a, b, c, d] = [
        await Visitor.connect(client, subscribe),
        await Visitor.connect(client, subscribe),
        await Visitor.connect(client, subscribe),
        await Visitor.connect(client, subscribe, enter("d")),
      ];
      for (const visitor of [a, b, c, d]) await visitor!.changes(1);
      await client.command("turn");
      for (const visitor of [a, b, c, d]) {
        const change = await visitor!.change();
        assert.deepEqual(change, {
          topic: "p",
          joined: [{ id: a!.id, data: "a" }, { id: c!.id, data: "c2" }],
          updated: [{ id: d!.id, data: "d" }],
          left: [{ id: b!.id, data: "b2" }],
        });
      }
    },
  },
  {
    id: "N5.evicted",
    fact: "members and their data are the same after hibernation, and nobody is told a change",
    server,
    async run(client) {
      const data = { name: "Zoë", tags: [1, "", null, { __proto__x: true }], "1": false };
      const watcher = await Visitor.connect(client, subscribe);
      const ann = await Visitor.connect(client, subscribe, enter(data));
      const bob = await Visitor.connect(client, subscribe, enter());
      assert.equal(Object.keys(await watcher.changes(2)).length, 2);
      await client.evict();
      const present = { [ann.id]: data, [bob.id]: undefined };
      assert.deepEqual(await watcher.list(), present);
      await client.evict();
      const late = await Visitor.connect(client, subscribe);
      assert.deepEqual(await late.list(), present);
      await client.evict();
      await ann.close(); // the event that revives the object
      assert.deepEqual(await watcher.changes(1), { [ann.id]: `left ${JSON.stringify(data)}` });
      assert.deepEqual(await late.changes(1), { [ann.id]: `left ${JSON.stringify(data)}` });
      await client.evict();
      await bob.ask({ do: "exit" });
      assert.deepEqual(await watcher.changes(1), { [bob.id]: "left" });
      await client.evict();
      assert.deepEqual(await late.list(), {});
      assert.deepEqual([watcher.unread, late.unread], [0, 1]);
    },
  },
  {
    id: "N5.hooks",
    fact: "global and resolved presence hooks both run, and a failure goes to the error hook",
    server: (it) =>
      server(it, {
        resolve: () => ({
          presence(peer, { joined }) {
            if (joined.length > 0) throw new Error("presence fails");
            peer.send({ change: "resolved" });
          },
        }),
        hooks: {
          error: (_, error) => it.log("error", error.hook, error.message),
        },
      }),
    async run(client) {
      const visitor = await Visitor.connect(client, subscribe, enter());
      assert.deepEqual(await visitor.changes(1), { [visitor.id]: "joined" });
      assert.deepEqual((await client.logged("error"))[0]!.data, ["presence", "presence fails"]);
      await visitor.ask({ do: "exit" });
      assert.deepEqual(await visitor.changes(1), { [visitor.id]: "left" });
      assert.equal(await visitor.change(), "resolved");
    },
  },
  {
    id: "N5.unsubscribed",
    fact: "the presence hook does not run for a peer that another peer's hook has unsubscribed",
    server: (it) =>
      server(it, {
        hooks: {
          presence(peer, { joined }) {
            if (joined.length === 0) return;
            it.log("presence");
            for (const other of peer.peers) if (other !== peer) other.unsubscribe("p");
          },
        },
      }),
    async run(client) {
      await Visitor.connect(client, subscribe);
      await Visitor.connect(client, subscribe);
      await Visitor.connect(client, subscribe, enter());
      await client.logged("presence");
      assert.deepEqual(await client.events(100), ["presence"]);
    },
  },
  {
    id: "N5.failed-open",
    fact: "the presence hook does not run for a peer whose open hook has failed",
    server: (it) => {
      let hasFailed = false;
      return server(it, {
        hooks: {
          open(peer) {
            peer.subscribe("p");
            if (hasFailed) return;
            hasFailed = true;
            throw new Error("open fails");
          },
          error: (peer) => it.log("failed", peer.id),
          presence: (peer) => it.log("presence", peer.id),
        },
      });
    },
    async run(client) {
      await client.upgraded(); // never answers the close frame
      const [failed] = (await client.logged("failed"))[0]!.data;
      const visitor = await Visitor.connect(client, enter());
      const told = (await client.logged("presence")).map(({ data: [id] }) => id);
      assert.deepEqual(told, [visitor.id]);
      assert.notEqual(visitor.id, failed);
    },
  },
  {
    id: "N5.mistakes",
    fact: "wrong arguments of enter(), exit() and presence() throw a TypeError, and enter nobody",
    server: (it) =>
      server(it, {
        commands: {
          mistakes() {
            const [peer] = [...it.ws.peers.get("n")!], namespace = "n";
            const circular: unknown[] = [];
            circular.push(circular);
            const calls: (() => unknown)[] = [
              () => peer!.enter(1 as unknown as string),
              () => peer!.enter("p", () => {}),
              () => peer!.enter("p", Symbol()),
              () => peer!.enter("p", 1n),
              () => peer!.enter("p", circular),
              () => peer!.enter("p", new Map()),
              () => peer!.enter("p", new Uint8Array(2)),
              () => peer!.enter("p", new ArrayBuffer(2)),
              () => peer!.enter("p", Promise.resolve(1)),
              () => peer!.enter("p", "é".repeat(2048)),
              () => peer!.enter("other", 1),
              () => peer!.enter("p2", 1),
              () => peer!.exit(undefined as unknown as string),
              () => it.ws.presence("other", { namespace }),
              () => it.ws.presence("p", {} as { namespace: string }),
              () => it.ws.presence("p", { namespace, limit: 1 } as { namespace: string }),
              () => it.ws.presence(1 as unknown as string, { namespace }),
            ];
            return calls.map((call) => {
              try {
                call();
                return "no error";
              } catch (error) {
                return `${(error as Error).name}: ${(error as Error).message}`;
              }
            });
          },
          fits: () => [...it.ws.peers.get("n")!][0]!.enter("p", "é".repeat(2047)),
        },
      }),
    async run(client) {
      const visitor = await Visitor.connect(client, subscribe);
      const errors = await client.command<string[]>("mistakes");
      for (const [i, error] of errors.entries()) assert.match(error, /^TypeError: Cannot /, `${i}`);
      assert.match(errors[9]!, /4098 bytes.* 4096/);
      assert.match(errors[10]!, /"other".*presence: true.* topics/);
      assert.match(errors[11]!, /"p2".*not subscribed/);
      assert.match(errors[13]!, /"other".*presence: true.* topics/);
      assert.deepEqual(await visitor.list(), {});
      await client.command("fits");
      assert.deepEqual(await visitor.list(), { [visitor.id]: "é".repeat(2047) });
    },
  },
  {
    id: "N5.copied",
    fact: "the data of a member are copied at the call, and the same frozen copy for all hooks",
    server: (it) =>
      server(it, {
        commands: {
          async mutate() {
            const [peer] = [...it.ws.peers.get("n")!], data = { list: [1] };
            peer!.enter("p", data);
            data.list.push(2);
            const { members } = await it.ws.presence("p", { namespace: "n" });
            const [{ data: copy }] = members as unknown as [{ data: typeof data }];
            return [Object.isFrozen(members[0]), Object.isFrozen(copy), Object.isFrozen(copy.list)];
          },
        },
      }),
    async run(client) {
      const visitor = await Visitor.connect(client, subscribe);
      assert.deepEqual(await client.command("mutate"), [true, true, true]);
      assert.deepEqual(await visitor.changes(1), { [visitor.id]: 'joined {"list":[1]}' });
    },
  },
  {
    id: "N5.gone",
    fact: "a peer that has closed enters nothing, and a closed endpoint has no timer",
    server: (it) =>
      server(it, {
        hooks: {
          close(peer) {
            peer.subscribe("p");
            peer.enter("p", "late");
            peer.exit("p");
            try {
              peer.enter("p", 1n);
            } catch (error) {
              it.log("closed", (error as Error).name);
            }
          },
        },
        commands: {
          async shutdown() {
            await it.ws.close({ timeout: 500 });
            return it.ws.stats.timers;
          },
        },
      }),
    async run(client) {
      const watcher = await Visitor.connect(client, subscribe);
      const visitor = await Visitor.connect(client, subscribe, enter(1));
      assert.deepEqual(await watcher.changes(1), { [visitor.id]: "joined 1" });
      await visitor.close();
      assert.deepEqual((await client.logged("closed"))[0]!.data, ["TypeError"]);
      assert.deepEqual(await watcher.changes(1), { [visitor.id]: "left 1" });
      assert.deepEqual(await watcher.list(), {});
      await watcher.ask(enter(2));
      assert.equal(await client.command("shutdown"), 0);
    },
  },
];
