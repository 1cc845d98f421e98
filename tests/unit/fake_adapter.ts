import assert from "node:assert/strict";
import { Adapter } from "../../endpoint/adapter.ts";
import { RawHandshake } from "../../handshake/raw_handshake.ts";
import type { Peer } from "../../peer.ts";
import { FakeSocket } from "./fake_socket.ts";

/** Adapter without a runtime, whose peers have fake sockets. */
export class FakeAdapter extends Adapter {
  /** Accepts a handshake for a target, and opens a connection. */
  async connect(
    target = "/",
    socket: FakeSocket = new FakeSocket(),
  ): Promise<[socket: FakeSocket, peer: Peer]> {
    const [, peer] = await this.accept(target, socket);
    socket.opened();
    return [socket, peer];
  }

  /** Accepts a handshake for a target, whose socket has yet to open. */
  async accept(
    target = "/",
    socket: FakeSocket = new FakeSocket(),
  ): Promise<[socket: FakeSocket, peer: Peer]> {
    const handshake = new RawHandshake({
      method: "GET",
      target,
      rawHeaders: [
        ["host", "localhost"],
        ["connection", "upgrade"],
        ["upgrade", "websocket"],
        ["sec-websocket-version", "13"],
        ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
      ].flat(),
      secure: false,
      remoteAddress: undefined,
    });
    const decision = await this.upgrader.decide(handshake);
    assert.ok(decision.kind === "accept");
    return [socket, this.endpoint.attach(socket, decision.admission)];
  }
}
