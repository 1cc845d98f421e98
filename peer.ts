import { checkClose } from "./socket/close_code.ts";
import { invalidOption } from "./common/errors.ts";
import { originOf } from "./handshake/forwarded.ts";
import type { Handshake, UpgradeRequest } from "./handshake/handshake.ts";
import type { PubSub } from "./pubsub/pubsub.ts";
import { inspectAs } from "./common/inspect.ts";
import type { MessageSource } from "./socket/message.ts";
import type { SendQueue } from "./socket/send_queue.ts";
import { encode } from "./socket/frame.ts";
import { PeerWebSocket, type SendOptions } from "./socket/peer_websocket.ts";
import type { BroadcastDomain, NativeSendQueue, OutgoingFrame } from "./socket/socket.ts";

/** Options of {@linkcode Peer.publish}. */
export interface PublishOptions extends SendOptions {
  /**
   * Whether the publisher gets the message too, if it is subscribed.
   *
   * @default false
   */
  readonly echo?: boolean;
}

/** Options of {@linkcode Peer.waitForDrain}. */
export interface DrainOptions {
  /**
   * Bytes that may still be queued.
   *
   * @default limits.drainThreshold
   */
  readonly threshold?: number;
  /** Gives up waiting. */
  readonly signal?: AbortSignal;
}

/** @internal What a peer shares with the other peers of its endpoint. */
export interface PeerHost {
  readonly hub: PubSub<Peer>;
  readonly limits: { readonly maxTopicsPerPeer: number; readonly drainThreshold: number };
  /** How many proxies are trusted. */
  readonly trustedHops: number;
}

/** What the handshake settled about a peer. */
export interface PeerInit {
  readonly handshake: Handshake;
  readonly namespace: string;
  readonly context: object;
  readonly remoteAddress: string | undefined;
  /** Made where needed, unless it must be known from the beginning. */
  readonly id?: string | undefined;
  /** What the hub has it for from the beginning; its own from then on. */
  readonly topics?: Set<string>;
}

/** What fits into a control frame (RFC 6455 §5.5). */
const MAX_CONTROL_BYTES = 125;

const STATES = ["connecting", "open", "closing", "closed"];

/**
 * One connected client, the same on every runtime.
 *
 * - Sends and publishes of one process reach a client in the order of the calls.
 * - Nothing here throws because a client has gone; what cannot be sent is not sent.
 * - An argument that no client could ever get throws at the call.
 *
 * @example
 * ```ts
 * import { defineHooks } from "@onepeer/onepeer";
 *
 * export const hooks = defineHooks({
 *   upgrade: () => ({ context: { joined: Date.now() } }),
 *   open(peer) {
 *     peer.subscribe("news");
 *     peer.send({ hello: peer.id, since: peer.context.joined });
 *   },
 *   message(peer, message) {
 *     peer.publish("news", message.text());
 *   },
 * });
 * ```
 */
export class Peer<Context extends object = Record<string, unknown>> implements MessageSource {
  /** Isolates peers and topics; the URL's pathname, unless `upgrade` or `getNamespace` said otherwise. */
  readonly namespace: string;
  /** The same object in every hook: what the framework gave, and what `upgrade` returned over it. */
  readonly context: Context;
  /**
   * The client's IP address without port, IPv4-mapped IPv6 unmapped; under `trustProxy`
   * the one that the proxy forwarded. Readable after the close too.
   */
  readonly remoteAddress: string | undefined;
  readonly #handshake: Handshake;
  readonly #sendQueue: SendQueue;
  readonly #host: PeerHost;
  #id: string | undefined;
  #topics: Set<string> | undefined;
  #domain: BroadcastDomain | undefined;
  #websocket: PeerWebSocket | undefined;

  static {
    inspectAs(this.prototype, (peer) => {
      const topics = [...peer.#topics ?? []].map((topic) => JSON.stringify(topic));
      const listed = topics.length > 3
        ? `${topics.slice(0, 3)}, …${topics.length}`
        : topics.join(", ");
      return `Peer(${peer.id} ${STATES[peer.#sendQueue.readyState]}, ${
        peer.remoteAddress ?? "address unknown"
      }, ${peer.namespace}${listed && `, topics ${listed}`})`;
    });
  }

  /** @internal Made by the endpoint. */
  constructor(outbox: SendQueue, init: PeerInit, host: PeerHost) {
    this.#sendQueue = outbox;
    this.#handshake = init.handshake;
    this.#host = host;
    this.namespace = init.namespace;
    this.context = init.context as Context;
    this.remoteAddress = init.remoteAddress;
    this.#id = init.id;
    this.#topics = init.topics;
  }

  /** A random UUID v4, made on first use, the same for the life of the peer. */
  get id(): string {
    return this.#id ??= crypto.randomUUID();
  }

  /**
   * The upgrade request, readable at any time, after the close too. Its `signal` aborts
   * when the peer is gone.
   */
  get request(): UpgradeRequest {
    return this.#handshake.toRequest(this.#url);
  }

  /** This peer as the hub knows it: the type of its context is its hooks' business alone. */
  get #self(): Peer {
    return this as Peer<object> as Peer;
  }

  get #url(): string {
    return originOf(this.#handshake, this.#host.trustedHops) + this.#handshake.target;
  }

  /** The connection in the terms of the WHATWG `WebSocket`. */
  get websocket(): PeerWebSocket {
    return this.#websocket ??= new PeerWebSocket(
      this,
      this.#sendQueue,
      () => this.#url.replace("http", "ws"),
    );
  }

  /** The topics this peer is subscribed to, as a copy: change them by {@linkcode subscribe}. */
  get topics(): ReadonlySet<string> {
    return new Set(this.#topics);
  }

  /** The live peers of this namespace, this one included while it is open. */
  get peers(): ReadonlySet<Peer<Context>> {
    const peers: ReadonlySet<Peer<object>> = this.#host.hub.namespaces.get(this.namespace) ??
      new Set();
    return peers as ReadonlySet<Peer<Context>>; // one set of hooks made all their contexts
  }

  /** Bytes that wait for this client. */
  get bufferedAmount(): number {
    return this.#sendQueue.bufferedAmount;
  }

  /**
   * Sends one message: a string as text, a buffer or view as exactly its bytes, a
   * {@linkcode Message} as what it holds, anything else as its JSON text.
   *
   * @returns the bytes that now wait for this client: 0 where the runtime has handed all of it to
   * the network; -1 where the message was not accepted: not open, or over `limits.maxBuffered`.
   * @throws {TypeError} for a value without JSON text (RFC 8259), a `Blob`, a stream or a promise.
   * @throws {PeerError} `ERR_PEER_BUFFER_FULL` under `limits.overflow: "error"`.
   */
  send(data: unknown, options?: SendOptions): number {
    return this.#sendQueue.send(encode(data), options?.compress ?? true);
  }

  /**
   * Sends one message to every other subscriber of a topic in this namespace, exactly once,
   * whether or not this peer is subscribed.
   *
   * @returns how many peers of this process took it.
   * @throws {TypeError} as {@linkcode send}.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): number {
    return this.#host.hub.publish(checkTopic(topic), encode(data), {
      namespace: this.namespace,
      except: options?.echo ? undefined : this.#self,
      compress: options?.compress,
    });
  }

  /**
   * Joins a topic; does nothing where it has, or where the peer is not open.
   *
   * @throws {RangeError} over `limits.maxTopicsPerPeer`.
   */
  subscribe(topic: string): void {
    checkTopic(topic);
    if (!this.#sendQueue.isOpen) return;
    const topics = this.#topics ??= new Set();
    if (topics.has(topic)) return;
    const { maxTopicsPerPeer } = this.#host.limits;
    if (topics.size >= maxTopicsPerPeer) {
      throw new RangeError(
        `Cannot subscribe to one more topic as limits.maxTopicsPerPeer is ${maxTopicsPerPeer}`,
      );
    }
    if (topics.size === 0) this.#domain = this.#sendQueue.group;
    // Added first, as an observer of the hub may close this peer, which must then leave this topic.
    topics.add(topic);
    try {
      this.#host.hub.subscribe(this.namespace, topic, this.#self);
    } catch (error) {
      topics.delete(topic);
      throw error;
    }
  }

  /** Leaves a topic; does nothing where it is not subscribed. */
  unsubscribe(topic: string): void {
    checkTopic(topic);
    if (this.#topics?.delete(topic)) {
      this.#host.hub.unsubscribe(this.namespace, topic, this.#self);
    }
  }

  /**
   * Resolves once the queue of this client has drained, or the peer is gone.
   *
   * @throws the signal's reason, where it aborts first.
   *
   * @example
   * ```ts
   * import { defineHooks } from "@onepeer/onepeer";
   *
   * defineHooks({
   *   async open(peer) {
   *     for (let chunk = 0; chunk < 10; chunk++) {
   *       peer.send(new Uint8Array(64 * 1024));
   *       await peer.waitForDrain();
   *     }
   *   },
   * });
   * ```
   */
  waitForDrain(options: DrainOptions = {}): Promise<void> {
    const { threshold = this.#host.limits.drainThreshold, signal } = options;
    return this.#sendQueue.waitForDrain(threshold, signal);
  }

  /**
   * Sends a ping frame (RFC 6455 §5.5.2); the `pong` hook hears the answer. Idle clients are pinged
   * without this, see `limits.idleTimeout`.
   *
   * @param data as for {@linkcode send}, at most 125 bytes.
   * @returns whether one was sent: not where the peer is not open, and never on Deno, which has no
   * way to.
   * @throws {RangeError} for more than 125 bytes.
   */
  ping(data: unknown = ""): boolean {
    const { bytes, byteLength } = encode(data);
    if (byteLength > MAX_CONTROL_BYTES) {
      throw new RangeError(
        `Cannot ping with more than ${MAX_CONTROL_BYTES} bytes: current length is ${byteLength}`,
      );
    }
    return this.#sendQueue.ping(bytes);
  }

  /**
   * Closes the connection gracefully. The first call wins; later ones do nothing.
   *
   * @param code 1000–1003, 1007–1014 or 3000–4999 (RFC 6455 §7.4); 1000 if left out.
   * @param reason at most 123 bytes of UTF-8.
   * @throws {RangeError} for a code or reason that must not be on the wire.
   */
  close(code = 1000, reason = ""): void {
    checkClose(code, reason);
    this.#sendQueue.close(code, reason);
  }

  /** Ends the connection without a closing handshake: the client sees 1006. */
  terminate(): void {
    this.#sendQueue.terminate();
  }

  /** The peer's {@linkcode id}. */
  toString(): string {
    return this.id;
  }

  /** The peer's {@linkcode id}: its JSON tells others neither its context nor its address. */
  toJSON(): string {
    return this.id;
  }

  /** @internal Takes one frame of a publish. */
  deliver(frame: OutgoingFrame, compress: boolean): boolean {
    try {
      return this.#sendQueue.send(frame, compress) >= 0;
    } catch {
      return false; // one full recipient must not stop the others; it is counted as a drop
    }
  }

  /** @internal With whom the hub has it. */
  get broadcastDomain(): BroadcastDomain | undefined {
    return this.#domain;
  }

  /** @internal Its way to broadcasts. */
  get sendQueue(): NativeSendQueue {
    return this.#sendQueue;
  }

  /** @internal Moves to the group where it belongs now. */
  changeDomain(): void {
    if (!this.#topics?.size) return;
    const from = this.#domain;
    this.#domain = this.#sendQueue.group;
    if (this.#domain === from) return;
    this.#host.hub.changeDomain(this.namespace, this.#topics, this.#self, from);
  }

  /** @internal Enters the hub. */
  join(): void {
    this.#host.hub.join(this.namespace, this.#self);
  }

  /** @internal Leaves the hub with all topics, and aborts the request's signal. */
  leave(): void {
    const { hub } = this.#host;
    const topics = this.#topics;
    this.#topics = undefined;
    for (const topic of topics ?? []) hub.unsubscribe(this.namespace, topic, this.#self);
    hub.leave(this.namespace, this.#self);
    this.#handshake.abort(peerIsGone);
  }
}

/** Made only where somebody looks: its stack trace costs as much as a tenth of a handshake. */
function peerIsGone(): DOMException {
  return new DOMException("The peer is gone", "AbortError");
}

/**
 * Returns the topic.
 *
 * @throws {TypeError} for anything but a string.
 */
export function checkTopic(topic: unknown): string {
  if (typeof topic === "string") return topic;
  throw new TypeError(invalidOption("the topic", "a string", topic));
}
