import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { reset, SocketGuard } from "../../../sync/socket_guard.ts";

/** Starts a server that accepts connections and is silent. */
async function silentServer(): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on("error", () => {})));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

Deno.test("SocketGuard keeps an error listener when all listeners are removed", async () => {
  await using server = await silentServer();
  const guard = new SocketGuard();
  const socket = await guard.watch(async () => {
    await Promise.resolve();
    return connect(server.port, "127.0.0.1");
  });
  await once(socket, "connect");
  socket.on("data", () => assert.fail("a removed listener was called"));
  assert.equal(socket.removeAllListeners(), socket);
  assert.deepEqual(socket.eventNames(), ["error"]);
  socket.emit("error", new Error("reset"));
  socket.on("end", () => {});
  socket.removeAllListeners("error");
  socket.emit("error", new Error("reset"));
  assert.equal(socket.listenerCount("end"), 1, "only listeners of one event were removed");
  socket.destroy();
});

Deno.test("SocketGuard destroys the sockets of an attempt that has failed", async () => {
  await using server = await silentServer();
  const guard = new SocketGuard();
  let socket: Socket | undefined;
  const attempt = guard.watch(async () => {
    socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    throw new Error("too late");
  });
  await assert.rejects(attempt, /too late/);
  assert.equal(socket!.destroyed, false);
  guard.destroy();
  assert.equal(socket!.destroyed, true);
});

/** Sends more than the kernel takes, destroys the socket, and returns how the server saw the end. */
async function endOf(isLost: boolean): Promise<string | undefined> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  const guard = new SocketGuard(), accepted = once(server, "connection");
  const socket = await guard.watch(async () => {
    const socket = connect(address.port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  });
  const [peer] = await accepted as [Socket];
  let error: NodeJS.ErrnoException | undefined;
  peer.on("error", (reason) => error = reason);
  for (let i = 0; i < 100; i++) socket.write(new Uint8Array(100_000));
  guard.destroy(isLost);
  assert.equal(socket.destroyed, true, "destroyed at once, though not all is sent");
  peer.resume();
  await new Promise((resolve) => peer.once("close", resolve));
  server.close();
  return error?.code;
}

Deno.test("SocketGuard resets lost sockets, so that nothing more is sent, and ends others", async () => {
  assert.equal(await endOf(true), "ECONNRESET");
  assert.equal(await endOf(false), undefined);
});

Deno.test("reset() does not reset a socket that has ended, or is not connected", () => {
  for (const state of [{ writableEnded: true }, { connecting: true }]) {
    const calls: string[] = [];
    reset({
      ...state,
      // On Node, a process with such a socket would not end.
      resetAndDestroy: () => void calls.push("reset"),
      destroy: () => void calls.push("destroy"),
    });
    assert.deepEqual(calls, ["destroy"]);
  }
});

Deno.test("SocketGuard leaves all other sockets alone", async () => {
  await using server = await silentServer();
  const guard = new SocketGuard();
  let goOn = () => {};
  const attempt = guard.watch(() => new Promise<void>((resolve) => goOn = resolve));
  const during = connect(server.port, "127.0.0.1");
  await once(during, "connect");
  goOn();
  await attempt;
  const after = connect(server.port, "127.0.0.1");
  await once(after, "connect");
  for (const socket of [during, after]) {
    assert.equal(Object.hasOwn(socket, "removeAllListeners"), false);
    guard.destroy();
    assert.equal(socket.destroyed, false);
    socket.destroy();
  }
});

Deno.test("SocketGuard survives a reset in the turn in which all listeners are removed", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write("-ERR\r\n");
      socket.resetAndDestroy();
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  for (let i = 0; i < 20; i++) {
    const guard = new SocketGuard();
    const socket = await guard.watch(() => {
      return Promise.resolve(connect(address.port, "127.0.0.1").on("error", () => {}));
    });
    socket.write("x".repeat(1000));
    await new Promise<void>((resolve) => {
      socket.once("data", () => {
        queueMicrotask(() => {
          socket.removeAllListeners();
          socket.destroy();
          setTimeout(resolve, 2);
        });
      });
      socket.once("close", () => resolve()); // the reset came first
    });
  }
  server.close();
  await once(server, "close");
});
