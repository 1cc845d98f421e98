import assert from "node:assert/strict";
import type { Case, CaseServer, CaseServerOptions } from "../fixtures/case.ts";

/** Returns the name of the error that `call` throws; `undefined` if it throws none. */
function errorOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return (error as Error).name;
  }
}

/** Server whose clients name their user in the query, and echo what they send. */
function server(it: CaseServer, options: CaseServerOptions = {}): CaseServerOptions {
  return {
    ...options,
    hooks: {
      upgrade(request) {
        const { searchParams } = new URL(request.url), user = searchParams.get("user");
        return { namespace: searchParams.get("in") ?? "n", ...(user !== null && { user }) };
      },
      open: (peer) => it.log("open", peer.user ?? null),
      message: (peer, message) => void peer.send(message.text()),
      close: (peer, { code, reason }) => it.log("close", peer.user ?? null, code, reason),
      ...options.hooks,
    },
    commands: {
      send: (user) => it.ws.toUser(user as string, "to you"),
      bytes: (user) => it.ws.toUser(user as string, Uint8Array.of(0, 255), { compress: false }),
      disconnect: (user) => it.ws.cluster.disconnect(user as string, 4001, "bye"),
      closeAll: () => it.ws.cluster.closeAll(4002, "all"),
      cluster: () => ({
        nodes: it.ws.cluster.nodes,
        peers: it.ws.cluster.peers,
        stale: it.ws.cluster.stale,
      }),
      ...options.commands,
    },
  };
}

/** N7: users, and the view of the cluster. Over brokers, see `tests/brokers/cases/cluster.ts`. */
export const userCases: readonly Case[] = [
  {
    id: "N7.to-user",
    fact: "toUser() reaches each peer of the user once, in all namespaces, and nobody else",
    server,
    async run(client) {
      const peers = [
        await client.connect("?user=ada%20é"),
        await client.connect("?user=ada%20é&in=other"),
        await client.connect("?user=ada"),
        await client.connect("?in=onepeer"),
      ] as const;
      const opened = (await client.logged("open", 4)).map(({ data }) => data[0]);
      assert.deepEqual(opened, ["ada é", "ada é", "ada", null]);
      assert.equal(await client.command("send", "ada é"), 2);
      assert.equal(await client.command("bytes", "ada é"), 2);
      assert.equal(await client.command("send", "nobody"), 0);
      for (const peer of peers.slice(0, 2)) {
        assert.equal(await peer.text(), "to you");
        assert.deepEqual([...await peer.bytes()], [0, 255]);
      }
      for (const peer of peers) {
        peer.send("last");
        assert.equal(await peer.text(), "last");
      }
      peers[0].close();
      await client.statsUntil(({ peers }) => peers === 3);
      assert.equal(await client.command("send", "ada é"), 1);
      assert.equal(await peers[1].text(), "to you");
    },
  },
  {
    id: "N7.unreachable",
    fact:
      "no client can subscribe to the messages of a user, or publish to a user, whatever topic it names",
    server: (it) =>
      server(it, {
        hooks: {
          message(peer, message) {
            const topic = message.text();
            peer.subscribe(topic);
            peer.publish(topic, "forged", { echo: false });
            peer.send([...peer.topics]);
          },
        },
        commands: {
          all: (topic) => {
            const { size } = it.ws.subscribers(topic as string);
            return [size, it.ws.publish(topic as string, "forged")];
          },
        },
      }),
    async run(client) {
      const ada = await client.connect("?user=ada");
      const thief = await client.connect("?in=onepeer%3Auser");
      for (const topic of ["ada", "onepeer:user:ada", "onepeer:users"]) {
        thief.send(topic);
        await thief.text();
      }
      // A server may publish to the topics that its clients name, in all namespaces.
      for (const topic of ["ada", "onepeer:user:ada"]) {
        assert.deepEqual(await client.command("all", topic), [1, 1], topic);
        assert.equal(await thief.text(), "forged");
      }
      assert.equal(await client.command("send", "ada"), 1);
      assert.equal(await ada.text(), "to you");
      ada.send("t");
      assert.equal(await ada.text(), '["t"]'); // the topic of the user is no topic of the peer
      thief.send("end");
      assert.equal((await thief.text()).includes("to you"), false);
      assert.deepEqual([ada.queued.length, thief.queued.length], [0, 0]);
    },
  },
  {
    id: "N7.disconnect",
    fact:
      "disconnect() closes the peers of one user, closeAll() all peers, each with code and reason",
    server,
    async run(client) {
      for (const query of ["?user=ada", "?user=ada&in=b", "?user=bob"]) await client.connect(query);
      await client.logged("open", 3);
      const { nodes, peers, stale } = await client.command<
        { nodes: { id: string; peers: number }[]; peers: number; stale: boolean }
      >("cluster");
      assert.deepEqual([nodes.length, nodes[0]!.peers, peers, stale], [1, 3, 3, false]);
      assert.match(nodes[0]!.id, /^[0-9a-f]{16}$/);
      const told = { nodes: 1, missing: [], complete: true };
      assert.deepEqual(await client.command("disconnect", "ada"), { ...told, closed: 2 });
      const closes = (await client.logged("close", 2)).map(({ data }) => data);
      assert.deepEqual(closes, [["ada", 4001, "bye"], ["ada", 4001, "bye"]]);
      await client.statsUntil(({ peers }) => peers === 1);
      assert.deepEqual(await client.command("disconnect", "ada"), { ...told, closed: 0 });
      assert.deepEqual(await client.command("closeAll"), { ...told, closed: 1 });
      assert.deepEqual((await client.logged("close", 3))[2]!.data, ["bob", 4002, "all"]);
    },
  },
  {
    id: "N7.opening",
    fact: "disconnect() also closes a peer of the user whose connection opens only afterwards",
    server: (it) =>
      server(it, {
        hooks: {
          upgrade() {
            queueMicrotask(() => void it.ws.cluster.disconnect("ada", 4001, "bye"));
            return { user: "ada" };
          },
        },
      }),
    async run(client) {
      await client.connect();
      assert.deepEqual((await client.logged("close", 1))[0]!.data, ["ada", 4001, "bye"]);
    },
  },
  {
    id: "N7.arguments",
    fact: "a wrong user, code or option throws at the call, and closes nobody",
    server: (it) =>
      server(it, {
        commands: {
          errors: () => [
            errorOf(() => it.ws.toUser("", "x")),
            errorOf(() => it.ws.toUser(7 as never, "x")),
            errorOf(() => it.ws.toUser("ada", 1n)),
            errorOf(() => it.ws.toUser("ada", "x", { namespace: "n" } as never)),
            errorOf(() => it.ws.cluster.disconnect("")),
            errorOf(() => it.ws.cluster.disconnect(undefined as never)),
            errorOf(() => it.ws.cluster.disconnect("ada", 999)),
            errorOf(() => it.ws.cluster.disconnect("ada", 1000, "x".repeat(124))),
            errorOf(() => it.ws.cluster.closeAll(1005)),
            errorOf(() => it.ws.publish("t", "x", { namespace: "onepeer:users" })),
            errorOf(() => it.ws.subscribers("t", { namespace: "onepeer:users" })),
          ],
        },
        onError: (error) => it.log("onError", (error as Error).name),
      }),
    async run(client) {
      const ada = await client.connect("?user=ada");
      const type = "TypeError", range = "RangeError";
      assert.deepEqual(
        await client.command("errors"),
        [type, type, type, type, type, type, range, range, range, type, type],
      );
      ada.send("open");
      assert.equal(await ada.text(), "open");
      // The empty name, and the namespace in which users are.
      for (const query of ["?user=", "?in=onepeer%3Ausers"]) {
        assert.equal((await client.refused(query)).status, 500, query);
      }
      assert.deepEqual((await client.logged("onError", 2)).map(({ data }) => data), [[type], [
        type,
      ]]);
    },
  },
];
