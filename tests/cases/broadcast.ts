import assert from "node:assert/strict";
import { numbered, numbersIn, until, upTo } from "../harness/clients/numbered_messages.ts";
import { sleep } from "../harness/clients/case_client.ts";
import type { TestSocket } from "../harness/clients/test_socket.ts";
import type { Case } from "../fixtures/case.ts";

const KIB = 1024, MIB = 1024 * KIB;

/** Texts that a client receives next. */
async function texts(socket: TestSocket, count: number): Promise<string[]> {
  const got = [];
  for (let i = 0; i < count; i++) got.push(await socket.text());
  return got;
}

/** Namespaces that, joined to {@linkcode ODD_TOPICS} by a NUL or a space, give equal texts. */
const ODD_SPACES = ["/a", "/a\0b", "/a\0", "0", "0 0"];
const ODD_TOPICS = ["b\0c", "c", "\0c", "0", "", " 0"];

/** P9: a publish through native topics differs from other publishes only in its speed. */
export const broadcast: readonly Case[] = [
  {
    id: "P9.order",
    fact: "sends between publishes of one turn keep their place, at every message size",
    server: () => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message(peer) {
          let i = 0;
          for (const size of [5, 100, 20 * KIB, 5, 100 * KIB, 15 * KIB]) {
            for (let round = 0; round < 40; round += size > KIB ? 10 : 1) {
              peer.publish("t", numbered(i++, size));
              for (const other of peer.peers) if (other !== peer) other.send(numbered(i, size));
              i++;
              peer.publish("t", new TextEncoder().encode(numbered(i++, size)), { echo: true });
            }
          }
          peer.publish("t", "");
          peer.publish("t", new Uint8Array());
          for (const other of peer.peers) other.send("end");
        },
      },
    }),
    async run(client) {
      const [publisher, ...others] = await Promise.all([0, 1, 2, 3].map(() => client.connect()));
      publisher!.send("go");
      const count = 3 * (3 * 40 + 3 * 4);
      for (const other of others) {
        await until(other, count + 3);
        assert.deepEqual(other.queued.slice(-3), ["", new Uint8Array(), "end"]);
        assert.deepEqual(numbersIn(other).slice(0, -3), upTo(count));
      }
      const his = upTo(count).filter((i) => i % 3 === 2);
      await until(publisher!, his.length + 1);
      assert.equal(publisher!.queued.at(-1), "end");
      assert.deepEqual(numbersIn(publisher!).slice(0, -1), his);
    },
  },
  {
    id: "P9.close",
    fact:
      "messages published before a close in the same turn reach the client before the close frame",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message(peer) {
          const others = [...peer.peers].filter((other) => other !== peer);
          server.log(
            "counts",
            ...others.map((other, i) => {
              const reached = peer.publish("t", `before ${i}`);
              other.close(4000 + i, "enough");
              return reached;
            }),
            peer.publish("t", "after", { echo: true }),
          );
        },
      },
    }),
    async run(client) {
      const publisher = await client.connect();
      const others = [await client.upgraded(), await client.upgraded(), await client.upgraded()];
      publisher.send("go");
      for (const [i, other] of others.entries()) {
        for (const k of upTo(i + 1)) {
          assert.equal((await other.frame()).payload.toString(), `before ${k}`);
        }
        assert.deepEqual(await other.closing(), { code: 4000 + i, reason: "enough" });
      }
      assert.deepEqual((await client.logged("counts"))[0]!.data, [3, 2, 1, 1]);
      assert.deepEqual(await texts(publisher, 1), ["after"]);
    },
  },
  {
    id: "P9.gone",
    fact:
      "a terminated subscriber receives nothing more, is not counted, and disturbs no other subscriber",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message(peer) {
          const others = [...peer.peers].filter((other) => other !== peer);
          peer.publish("t", "before");
          others[0]!.terminate();
          server.log("reached", peer.publish("t", "after"), server.ws.publish("t", "all"));
        },
        close: (peer) => server.log("left", peer.publish("t", "left")),
      },
    }),
    async run(client) {
      const publisher = await client.connect(), gone = await client.connect();
      const others = [await client.connect(), await client.connect()];
      publisher.send("go");
      for (const other of others) {
        assert.deepEqual(await texts(other, 4), ["before", "after", "all", "left"]);
      }
      assert.deepEqual(await texts(publisher, 2), ["all", "left"]);
      await gone.shut();
      assert.ok(gone.queued.every((it) => it === "before"));
      assert.deepEqual((await client.logged("reached"))[0]!.data, [2, 3]);
      assert.deepEqual((await client.logged("left"))[0]!.data, [3]);
    },
  },
  {
    id: "P9.membership",
    fact:
      "a peer that leaves and rejoins a topic within one turn misses only the publishes in between",
    server: () => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message(peer) {
          const others = [...peer.peers].filter((other) => other !== peer);
          const one = others[0]!;
          for (let round = 0; round < 40; round++) {
            peer.publish("t", `${round} in`);
            one.unsubscribe("t");
            peer.publish("t", `${round} out`);
            if (round % 2) one.send(`${round} direct`);
            one.subscribe("t");
          }
          one.unsubscribe("t");
          peer.publish("t", "end");
        },
      },
    }),
    async run(client) {
      const publisher = await client.connect(), one = await client.connect();
      const others = [await client.connect(), await client.connect()];
      publisher.send("go");
      const rounds = upTo(40);
      for (const other of others) {
        const wanted = rounds.flatMap((i) => [`${i} in`, `${i} out`]);
        assert.deepEqual(await texts(other, 81), [...wanted, "end"]);
      }
      const his = rounds.flatMap((i) => i % 2 ? [`${i} in`, `${i} direct`] : [`${i} in`]);
      assert.deepEqual(await texts(one, his.length), his);
      await sleep(30);
      assert.deepEqual([publisher.queued, one.queued], [[], []]);
    },
  },
  {
    id: "P9.publisher",
    fact:
      "peer.publish() without echo skips only the publisher, and the counts equal the deliveries",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.request.url.endsWith("?in") ? peer.subscribe("t") : undefined,
        message(peer, message) {
          const { messagesOut, bytesOut } = server.ws.stats;
          const text = message.text();
          const reached = [
            peer.publish("t", `${text} 1`),
            peer.publish("t", `${text} 2`, { echo: true }),
            peer.publish("t", `${text} 3`, { compress: false }),
            server.ws.publish("t", `${text} 4`),
            server.ws.publish("t", `${text} 5`, { namespace: peer.namespace }),
            server.ws.publish("t", `${text} 6`, { namespace: "/nowhere" }),
          ];
          const { stats } = server.ws;
          server.log("counts", reached, stats.messagesOut - messagesOut, stats.bytesOut - bytesOut);
        },
      },
    }),
    async run(client) {
      const members = [
        await client.connect("?in"),
        await client.connect("?in"),
        await client.connect("?in"),
      ];
      const outsider = await client.connect("?out");
      members[0]!.send("a");
      await client.logged("counts");
      outsider.send("b");
      const [ofA, ofB] = await client.logged("counts", 2);
      assert.deepEqual(ofA!.data, [[2, 3, 2, 3, 3, 0], 13, 13 * 3]);
      assert.deepEqual(ofB!.data, [[3, 3, 3, 3, 3, 0], 15, 15 * 3]);
      for (const [i, member] of members.entries()) {
        const ofA = i === 0 ? ["a 2", "a 4", "a 5"] : [1, 2, 3, 4, 5].map((k) => `a ${k}`);
        const all = [...ofA, ...[1, 2, 3, 4, 5].map((k) => `b ${k}`)];
        assert.deepEqual(await texts(member, all.length), all);
      }
      await sleep(20);
      assert.deepEqual([...members, outsider].map(({ queued }) => queued.length), [0, 0, 0, 0]);
    },
  },
  {
    id: "P9.names",
    fact: "topics and namespaces with NULs and spaces in their names are never confused",
    server: (server) => {
      let opened = 0;
      return {
        hooks: {
          upgrade: () => ({ namespace: ODD_SPACES[Math.floor(opened++ / 3)]! }),
          open(peer) {
            for (const topic of ODD_TOPICS) peer.subscribe(topic);
          },
        },
        commands: {
          publish() {
            const reached = [];
            for (const namespace of ODD_SPACES) {
              for (const topic of ODD_TOPICS) {
                const sent = server.ws.publish(topic, JSON.stringify([namespace, topic]), {
                  namespace,
                });
                reached.push(sent);
              }
            }
            return [...reached, server.ws.publish("0 0", "x"), server.ws.publish("/a\0c", "x")];
          },
        },
      };
    },
    async run(client) {
      const sockets = [];
      for (let i = 0; i < 15; i++) sockets.push(await client.connect());
      assert.deepEqual(await client.command("publish"), [...Array(30).fill(3), 0, 0]);
      for (const [i, socket] of sockets.entries()) {
        const wanted = ODD_TOPICS.map((topic) =>
          JSON.stringify([ODD_SPACES[Math.floor(i / 3)], topic])
        );
        assert.deepEqual(await texts(socket, 6), wanted);
      }
      await sleep(20);
      assert.ok(sockets.every(({ queued }) => queued.length === 0));
    },
  },
  {
    id: "P9.many-topics",
    runsAlone: true,
    fact:
      "the server closes a stuck subscriber with 1013 even if each of its topics gets few messages",
    server: (server) => ({
      limits: { maxBuffered: MIB, closeTimeout: 100 },
      hooks: {
        open(peer) {
          for (let i = 0; i < 50; i++) peer.subscribe(`${i}`);
        },
        async message(peer) {
          const slow = [...peer.peers][1]!;
          let sent = 0;
          for (; slow.websocket.readyState === 1 && sent < 2000; sent++) {
            peer.publish(`${sent % 50}`, numbered(sent, 8 * KIB));
            if (sent % 20 === 19) await new Promise((resolve) => setTimeout(resolve));
          }
          server.log("sent", sent, slow.bufferedAmount);
        },
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const publisher = await client.connect(), slow = await client.connect();
      await client.connect();
      slow.socket.pause();
      publisher.send("go");
      const [sent, queued] = (await client.logged("sent"))[0]!.data;
      assert.ok(sent < 2000 && queued <= MIB, `${queued} bytes after ${sent} messages`);
      assert.equal((await client.logged("close"))[0]!.data[0], 1013);
    },
  },
  {
    id: "P9.fresh-topics",
    fillsMemory: true,
    runsAlone: true,
    fact:
      "the server closes a stuck subscriber with 1013 even if it leaves each topic after one message",
    server: (server) => ({
      limits: { maxBuffered: 192 * KIB, closeTimeout: 100 },
      hooks: {
        open: (peer) => peer.request.url.endsWith("slow") ? undefined : peer.subscribe("busy"),
        async message(peer) {
          const [slow, other] = [...peer.peers].slice(1);
          let sent = 0;
          for (; slow!.websocket.readyState === 1 && sent < 1200; sent++) {
            for (const member of [slow!, other!]) member.subscribe(`${sent}`);
            peer.publish(`${sent}`, numbered(sent, 8 * KIB));
            for (const member of [slow!, other!]) member.unsubscribe(`${sent}`);
            peer.publish("busy", "x".repeat(40 * KIB));
            if (sent % 2) await new Promise((resolve) => setTimeout(resolve));
          }
          server.log("sent", sent, slow!.bufferedAmount);
        },
        close: (_, { code }) => server.log("close", code),
      },
    }),
    async run(client) {
      const publisher = await client.connect(), slow = await client.connect("?slow");
      await client.connect();
      slow.socket.pause();
      publisher.send("go");
      const [sent, queued] = (await client.logged("sent"))[0]!.data;
      assert.ok(sent < 1200 && queued <= 192 * KIB, `${queued} bytes after ${sent} messages`);
      assert.equal((await client.logged("close"))[0]!.data[0], 1013);
    },
  },
  {
    id: "P9.two-servers",
    fact: "one adapter can serve two servers, and a publish reaches the subscribers of both once",
    server: (server) => ({
      hooks: {
        open: (peer) => peer.subscribe("t"),
        message: (peer, message) => server.log("reached", peer.publish("t", message)),
      },
      commands: { listen: () => server.listen(), publish: () => server.ws.publish("t", "all") },
    }),
    async run(client) {
      const sockets = [await client.connect(), await client.connect(), await client.connect()];
      client.port = await client.command("listen");
      sockets.push(await client.connect(), await client.connect(), await client.connect());
      sockets[0]!.send("from here");
      sockets[5]!.send("from there");
      assert.deepEqual((await client.logged("reached", 2)).map(({ data }) => data), [[5], [5]]);
      assert.equal(await client.command("publish"), 6);
      for (const [i, socket] of sockets.entries()) {
        await until(socket, i % 5 ? 3 : 2);
        assert.equal(socket.queued.at(-1), "all");
        const wanted = ["from here", "from there"].filter((_, k) => i !== k * 5);
        assert.deepEqual([...socket.queued.slice(0, -1)].sort(), wanted);
      }
    },
  },
];
