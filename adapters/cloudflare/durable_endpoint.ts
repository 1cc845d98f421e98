import { Adapter } from "../../endpoint/adapter.ts";
import type { ConnectionHost } from "../../endpoint/connection_host.ts";
import type { Decision } from "../../endpoint/upgrader.ts";
import { logError } from "../../common/errors.ts";
import { checkDurable, type CloudflareRoomOptions } from "./options.ts";
import { DurableHistory } from "./durable_history.ts";
import { DurableHub } from "./durable_hub.ts";
import { DurablePeer } from "./durable_peer.ts";
import { DurablePeers } from "./durable_peers.ts";
import { SaveSchedule } from "./save_schedule.ts";
import type { Peer } from "../../peer.ts";
import type { CloseOptions } from "../../endpoint/call_options.ts";
import { Endpoint } from "../../endpoint/endpoint.ts";
import { Hub } from "../../pubsub/hub.ts";
import { Notifier } from "../../pubsub/hub_observer.ts";
import type { BinaryType } from "../../socket/message.ts";
import { utf8Length } from "../../socket/frame.ts";
import { CallbackSocket } from "../../socket/callback_socket.ts";
import { SharedAlarm } from "../../shims/workerd/shared_alarm.ts";
import { type SavedHandshake, type SavedPeer, unpack } from "../../shims/workerd/packed_peer.ts";
import { type FoundState, PeerStore } from "../../shims/workerd/peer_state.ts";
import { differingLimits, limitsOf } from "../../shims/workerd/saved_limits.ts";
import { RawHandshake } from "../../handshake/raw_handshake.ts";
import {
  cloudflareRuntime,
  extensionsOf,
  handshakeOf,
  refusalOf,
  socketPair,
  switching,
} from "../../shims/workerd/upgrade.ts";
import {
  answerClose,
  answerHeartbeats,
  closeFailureOf,
  type CloudflareSocket,
  type DurableContext,
  failureOf,
  hibernatableWire,
} from "../../shims/workerd/workerd.ts";
import type { SocketFailure } from "../../socket/socket.ts";

/** Number of times in one `idleTimeout` that the time of a client's message is saved at most. */
const SAVES = 8;
/** Tag of our sockets. The user's class may accept its own sockets in the same object. */
const TAG = "onepeer";
/** Length of a UUID. The other tag of a socket is the id of its peer. */
const ID_LENGTH = 36;

/**
 * Peers and topics of one Durable Object. Peers survive hibernation: a peer that is not in memory
 * is revived when it is needed.
 */
export class DurableEndpoint extends Adapter {
  readonly #ctx: DurableContext;
  readonly #env: unknown;
  readonly #hub: DurableHub;
  /** Services of connections, which save a peer after each hook. */
  readonly #connectionHost: ConnectionHost;
  readonly #store: PeerStore;
  readonly #peers: DurablePeers;
  readonly #saves: SaveSchedule<DurablePeer>;
  readonly #isCompressed: boolean;
  readonly #alarm: SharedAlarm;
  /** Whether clients send heartbeats: idle clients are terminated then. */
  readonly #hasHeartbeat: boolean;

  /** @internal Called by the adapter for Cloudflare, for each object. */
  constructor(options: CloudflareRoomOptions, ctx: DurableContext, env: unknown) {
    const saves = new SaveSchedule<DurablePeer>((hook) => ctx.waitUntil(hook));
    const peers = new DurablePeers(saves);
    const inner = new Hub(new Notifier([peers]));
    const hub = new DurableHub(inner, (peer, topic) => peers.of(peer)?.reserveTopic(topic));
    const own = { hub, storage: options.topics && DurableHistory.of(ctx), keeper: peers };
    super({ endpoint: new Endpoint(checkDurable(options), own) });
    this.#isCompressed = Boolean(options.perMessageDeflate);
    this.#ctx = ctx;
    this.#env = env;
    this.#hub = hub;
    this.#peers = peers;
    this.#saves = saves;
    this.#store = new PeerStore(ctx);
    this.#alarm = SharedAlarm.of(ctx);
    this.#hasHeartbeat = options.heartbeat !== undefined;
    if (options.heartbeat) {
      answerHeartbeats(ctx, options.heartbeat);
      this.#alarm.share();
    }
    if (ctx.getWebSockets(TAG).length > 0) hub.reviveAll = () => this.#reviveAll();
    else this.#store.sweep(); // deletes the state of sockets that ended with an earlier process
    this.#connectionHost = {
      ...this.endpoint.services.host,
      ran: (peer, hook) => saves.ran(peers.of(peer), hook),
    };
  }

  /** Returns the response to an upgrade request: the 101, or a refusal. Never rejects. */
  async handleUpgrade(request: Request): Promise<Response> {
    const { maxPeers, maxPeersPerAddress } = this.endpoint.limits;
    if (maxPeers !== Infinity || maxPeersPerAddress !== Infinity) this.#reviveAll();
    const handshake = handshakeOf(request, this.#env, this.#ctx);
    const answer = refusalOf(handshake) ??
      await this.answer(request, handshake, (decision) => this.#accept(handshake, decision));
    // The client has left, or a hook has taken over the connection: no client gets this response.
    return answer ?? new Response(null, { status: 204 });
  }

  #accept(
    handshake: RawHandshake,
    { admission, protocol, headers }: Decision & { kind: "accept" },
  ): Response {
    const [client, native] = socketPair();
    const id = crypto.randomUUID();
    this.#ctx.acceptWebSocket(native as never, [TAG, id]);
    const extensions = extensionsOf(handshake, this.#isCompressed);
    const socket = new CallbackSocket(hibernatableWire, native, protocol, extensions);
    const peer = this.endpoint.attach(socket, { ...admission, id }, this.#connectionHost);
    const { limits, trustedHops } = admission.settings, { idleTimeout } = limits;
    const saved: SavedHandshake = {
      i: id,
      o: Date.now(),
      u: handshake.target,
      h: handshake.rawHeaders as string,
      s: handshake.secure,
      a: peer.remoteAddress,
      n: peer.namespace,
      r: peer.user,
      p: protocol,
      e: extensions,
      l: differingLimits(limits, this.endpoint.limits),
      f: trustedHops === this.#connectionHost.trustedHops ? undefined : trustedHops,
    };
    const it = new DurablePeer(socket, peer, this.#store, JSON.stringify(saved));
    it.idleTimeout = this.#hasHeartbeat ? idleTimeout : 0;
    if (it.idleTimeout > 0) it.heardAt = saved.o;
    this.#peers.add(it);
    socket.opened();
    if (it.idleTimeout > 0) this.#ctx.waitUntil(this.#alarm.ringWithin(idleTimeout));
    return switching(client, socket, headers);
  }

  /** Handles a message. Resolves when no hook is running. */
  handleMessage(native: CloudflareSocket, message: string | ArrayBuffer): Promise<void> {
    const found = this.#peerOf(native);
    if (!found) return Promise.resolve();
    this.#saves.touch(found);
    if (found.idleTimeout > 0) found.heard(found.idleTimeout / SAVES);
    if (typeof message === "string") found.socket.received(message, utf8Length(message));
    else found.socket.received(new Uint8Array(message), message.byteLength);
    return this.#saves.settled();
  }

  /** Handles a close of the client, or the end of the connection. Resolves when no hook is running. */
  handleClose(
    native: CloudflareSocket,
    code: number,
    reason: string,
    wasClean: boolean,
  ): Promise<void> {
    const failure = closeFailureOf(code);
    if (failure) return this.#fail(native, failure);
    const found = this.#peerOf(native);
    answerClose(native, code, reason);
    found?.socket.closed({ code, reason: code === 1006 ? "" : reason, wasClean });
    return this.#saves.settled();
  }

  /** Handles a protocol error, or a connection that dropped. Resolves when no hook is running. */
  handleError(native: CloudflareSocket, error: unknown): Promise<void> {
    return this.#fail(native, failureOf(error));
  }

  #fail(native: CloudflareSocket, failure: SocketFailure | undefined): Promise<void> {
    const found = this.#peerOf(native);
    if (failure) found?.socket.failed(failure);
    answerClose(native, failure?.code ?? 1006, ""); // needed if the client's close code was illegal
    // workerd 2026-11 reports no close after an error.
    found?.socket.closed({ code: failure?.code ?? 1006, reason: "", wasClean: false });
    return this.#saves.settled();
  }

  /**
   * Handles the object's alarm: terminates clients that were silent for `limits.idleTimeout`.
   *
   * @returns Whether the user's own alarm is due.
   */
  async handleAlarm(): Promise<boolean> {
    const isTheirs = await this.#alarm.rang();
    if (!this.#hasHeartbeat) return isTheirs;
    const sockets = this.#ctx.getWebSockets(TAG) as CloudflareSocket[];
    const ends = sockets.map((native) => this.#endOf(native)), now = Date.now();
    sockets.forEach((native, i) => {
      if (ends[i]! <= now) this.#peerOf(native)?.peer.terminate();
    });
    const next = Math.min(...ends.filter((time) => time > now));
    if (next !== Infinity) await this.#alarm.ringWithin(next - now);
    await this.#saves.settled();
    return isTheirs;
  }

  /** @internal Notes that the user's alarm has run. A failed alarm is repeated. */
  alarmEnded(hasFailed: boolean): Promise<void> {
    return this.#alarm.ended(hasFailed);
  }

  /**
   * Returns the time at which a silent client is terminated; `Infinity` if there is no peer, or no
   * limit. The limit starts at the open, or at the latest message or heartbeat. For a message before
   * the latest hibernation, it starts at the latest possible time.
   */
  #endOf(native: CloudflareSocket): number {
    const found = this.#read(native), saved = found?.saved.handshake;
    const { idleTimeout } = limitsOf(saved?.l, this.endpoint.limits);
    if (!found || !saved || idleTimeout === 0) return Infinity;
    const heardAt = found.heardAt && found.heardAt + idleTimeout / SAVES;
    return idleTimeout + Math.max(
      saved.o,
      this.#peers.ofSocket(native)?.heardAt || heardAt,
      this.#ctx.getWebSocketAutoResponseTimestamp(native as never)?.getTime() ?? 0,
    );
  }

  /** Returns the live peer with this id, also a peer that is not in memory. */
  override peer(id: string): Peer | undefined {
    const found = super.peer(id);
    if (found || !this.#hub.reviveAll || id.length !== ID_LENGTH) return found;
    for (const native of this.#ctx.getWebSockets(id)) this.#peerOf(native as CloudflareSocket);
    return super.peer(id);
  }

  /** Closes every peer, also peers that are not in memory. */
  override closeAll(code?: number, reason?: string, force?: boolean): void {
    this.#reviveAll();
    super.closeAll(code, reason, force);
  }

  /**
   * Closes every peer, and waits for the `close` hooks. New clients get 503 while the object is in
   * memory.
   */
  override close(first?: CloseOptions | number, reason?: string): Promise<void> {
    this.#reviveAll();
    return super.close(first as number, reason);
  }

  /** Returns the peer of a socket, and revives it if needed; `undefined` for a socket of the user. */
  #peerOf(native: CloudflareSocket): DurablePeer | undefined {
    return this.#peers.ofSocket(native) ?? this.#revive(native);
  }

  /** Whether a socket is ours, and not one that the user's class has accepted. */
  isOurs(native: object): boolean {
    return this.#peers.ofSocket(native) !== undefined ||
      this.#ctx.getTags(native as never)[0] === TAG;
  }

  /**
   * Returns the saved state of a socket's peer. If the state is lost, no hook can serve the client.
   * Then the function closes the socket with 1012, so that the client connects again.
   */
  #read(native: CloudflareSocket): (FoundState & { readonly saved: SavedPeer }) | undefined {
    try {
      const found = this.#store.read(native);
      return found && { ...found, saved: unpack(found.packed) };
    } catch (error) {
      logError("a peer is closed with 1012, as its state did not survive hibernation", error);
      this.#store.forget(native, undefined);
      answerClose(native, 1012, "state lost");
      return undefined;
    }
  }

  #revive(native: CloudflareSocket): DurablePeer | undefined {
    const found = this.isOurs(native) ? this.#read(native) : undefined;
    if (!found) return undefined;
    const { handshake: saved, topics, entered, context, binaryType } = found.saved;
    const socket = new CallbackSocket(hibernatableWire, native, saved.p, saved.e);
    socket.opened();
    // In force until `resolve` has chosen the hooks again.
    const { l, f: trustedHops = this.#connectionHost.trustedHops } = saved;
    const limits = limitsOf(l, this.endpoint.limits);
    const host = { ...this.#connectionHost, limits, trustedHops };
    const peer = this.upgrader.revive(socket, {
      id: saved.i,
      namespace: saved.n,
      user: saved.r,
      remoteAddress: saved.a,
      topics: new Set(topics),
      ...(entered && { entered }),
      context,
      handshake: new RawHandshake({
        method: "GET",
        target: saved.u,
        rawHeaders: saved.h,
        secure: saved.s,
        remoteAddress: saved.a,
        runtime: cloudflareRuntime({ env: this.#env, ctx: this.#ctx }),
      }),
    }, host);
    peer.websocket.binaryType = binaryType as BinaryType;
    const it = new DurablePeer(socket, peer, this.#store, JSON.stringify(saved), found);
    it.idleTimeout = this.#hasHeartbeat ? limits.idleTimeout : 0;
    this.#peers.add(it);
    return it;
  }

  /** Revives all peers that are not in memory. */
  #reviveAll(): void {
    if (!this.#hub.reviveAll) return;
    this.#hub.reviveAll = undefined;
    for (const native of this.#ctx.getWebSockets(TAG)) this.#peerOf(native as CloudflareSocket);
  }
}
