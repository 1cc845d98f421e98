import { checkClose } from "./socket/close_code.ts";
import { checkPing } from "./socket/ping_data.ts";
import type { DrainOptions } from "./socket/drain_waiters.ts";
import { checkPublish, checkTopic, type PublishOptions } from "./pubsub/topic_arguments.ts";
import { checkSubscribe, missed } from "./pubsub/history/subscribe_options.ts";
import type { SubscribeOptions, SubscribeResult } from "./pubsub/history/subscribe_options.ts";
import { checkEnter } from "./pubsub/presence/entries.ts";
import type { TopicListener } from "./pubsub/topic_listener.ts";
import { Subscriptions, type SubscriptionsHost } from "./pubsub/subscriptions.ts";
import { originOf } from "./handshake/forwarded.ts";
import type { Handshake, UpgradeRequest } from "./handshake/handshake.ts";
import type { PeerInit } from "./handshake/peer_init.ts";
import { inspectAs } from "./common/inspect.ts";
import type { MessageSource } from "./socket/message.ts";
import type { SendQueue } from "./socket/send_queue.ts";
import { encode } from "./socket/frame.ts";
import { compressOf, PeerWebSocket, type SendOptions } from "./socket/peer_websocket.ts";
import type { BroadcastDomain, NativeSendQueue, OutgoingFrame } from "./socket/socket.ts";

/** @internal Services that all peers of an endpoint share. */
export interface PeerHost extends SubscriptionsHost<Peer> {
  /** Number of trusted proxies. */
  readonly trustedHops: number;
  /** Live peers by id: those whose id has been read, as each id is made at its first read. */
  readonly ids: Map<string, Peer>;
}

/**
 * One connected client, the same on every runtime.
 *
 * - A client gets the messages of one process in the order of the calls to `send` and `publish`.
 * - No method throws if the client has gone. Without a connection, a message is not sent.
 * - An invalid argument throws at the call, even if the client has gone.
 *
 * @example
 * ```ts
 * import { defineHooks } from "@onepeer/onepeer";
 *
 * export const hooks = defineHooks({
 *   open: (peer) => peer.subscribe("news"),
 *   message: (peer, message) => void peer.publish("news", message.text()),
 * });
 * ```
 */
export class Peer<Context extends object = Record<string, unknown>> implements MessageSource {
  /** Set of peers and topics to which this peer belongs. Default: the pathname of the URL. */
  readonly namespace: string;
  /**
   * The framework's context, merged with the `context` that `upgrade` returned. All hooks get this
   * object. In a Durable Object, only values that `structuredClone` accepts survive hibernation. After
   * the end of a hook, a change is saved only if made through `peer.context`, not a kept reference.
   */
  readonly context: Context;
  /** User that `upgrade` returned; `undefined` if it returned none. */
  readonly user: string | undefined;
  /** IP address of the client: from trusted proxies, else of the connection. No port. IPv4-mapped IPv6 becomes IPv4. */
  readonly remoteAddress: string | undefined;
  /** @internal Runs the hooks that tell what happens in the topics of this peer. */
  readonly topicListener: TopicListener;
  /** @internal Topics of this peer; `undefined` if there never was one. */
  subscriptions: Subscriptions<Peer> | undefined;
  readonly #handshake: Handshake;
  readonly #sendQueue: SendQueue;
  readonly #host: PeerHost;
  #id: string | undefined;
  /** Whether the peer belongs to its namespace: from the open to the end. */
  #joined = false;
  #websocket: PeerWebSocket | undefined;

  static {
    inspectAs(this.prototype, (peer) => {
      const { id, namespace, remoteAddress = "address unknown" } = peer;
      const state = ["connecting", "open", "closing", "closed"][peer.#sendQueue.readyState];
      const user = peer.user === undefined ? "" : `, user ${JSON.stringify(peer.user)}`;
      const topics = peer.subscriptions?.topics.size ? `, ${peer.subscriptions}` : "";
      return `Peer(${id} ${state}, ${remoteAddress}, ${namespace}${user}${topics})`;
    });
  }

  /** @internal Called by the endpoint. */
  constructor(sendQueue: SendQueue, init: PeerInit, host: PeerHost, listener: TopicListener) {
    this.topicListener = listener;
    this.#sendQueue = sendQueue;
    this.#handshake = init.handshake;
    this.#host = host;
    this.namespace = init.namespace;
    this.context = init.context as Context;
    this.user = init.user;
    this.remoteAddress = init.remoteAddress;
    this.#id = init.id;
    if (init.topics) this.subscriptions = this.#subscribed(init.topics);
    if (init.entered) this.subscriptions?.restore(init.entered);
  }

  /** Random UUID v4, made at the first use, constant for the life of the peer. */
  get id(): string {
    if (this.#id === undefined) {
      this.#id = crypto.randomUUID();
      if (this.#joined) this.#host.ids.set(this.#id, this.#self);
    }
    return this.#id;
  }

  /** The upgrade request, readable after the close too. Its `signal` aborts when the peer is gone. */
  get request(): UpgradeRequest {
    return this.#handshake.toRequest(this.#url);
  }

  /** This peer for the hub, which does not know the type of the context. */
  get #self(): Peer {
    return this as Peer<object> as Peer;
  }

  get #url(): string {
    return originOf(this.#handshake, this.#host.trustedHops) + this.#handshake.target;
  }

  /** The connection with the members of a WHATWG `WebSocket`. */
  get websocket(): PeerWebSocket {
    const url = () => this.#url.replace("http", "ws");
    return this.#websocket ??= new PeerWebSocket(this, this.#sendQueue, url);
  }

  /** Copy of the topics to which this peer is subscribed. */
  get topics(): ReadonlySet<string> {
    return new Set(this.subscriptions?.topics);
  }

  /** Live peers of this namespace, including this peer while it is open. */
  get peers(): ReadonlySet<Peer<Context>> {
    const peers = this.#host.hub.namespaces.get(this.namespace) ?? new Set<Peer<object>>();
    return peers as ReadonlySet<Peer<object>> as ReadonlySet<Peer<Context>>; // see #self
  }

  /** Number of bytes that are queued for this client. */
  get bufferedAmount(): number {
    return this.#sendQueue.bufferedAmount;
  }

  /**
   * Sends one message: a string as text, a buffer or view as its bytes, a {@linkcode Message}
   * unchanged, any other value as JSON text.
   *
   * @returns Number of bytes that are now queued for this client: 0 if the network has all bytes. -1 if
   * the peer is not open, or the message would exceed `limits.maxBuffered`.
   * @throws {TypeError} for a `Blob`, stream or promise, and any value without JSON text (RFC 8259).
   * Also for an unknown option.
   * @throws {PeerError} `ERR_PEER_BUFFER_FULL` if the queue is full and `limits.overflow` is `"error"`.
   */
  send(data: unknown, options?: SendOptions): number {
    return this.#sendQueue.send(encode(data), compressOf(options));
  }

  /**
   * Sends one message to every other subscriber of a topic in this namespace, once. This peer need
   * not be subscribed.
   *
   * @returns Number of peers of this process that accepted the message.
   * @throws {TypeError} for a topic that is no string, and for the data that {@linkcode send} rejects.
   * @throws {RangeError} for a topic over `limits.maxTopicLength`.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): number {
    const { namespace } = this, { hub, limits } = this.#host;
    const { echo, compress, local } = checkPublish(topic, limits, options);
    const except = echo ? undefined : this.#self, to = { namespace, except, compress, local };
    return hub.publish(topic, encode(data), to);
  }

  /**
   * Subscribes to a topic. Does nothing if this peer is subscribed already or not open.
   *
   * @throws {RangeError} over `limits.maxTopicsPerPeer` or `limits.maxTopicLength`.
   */
  subscribe(topic: string): void;
  /**
   * Same for a topic with history (option `topics`). First sends the messages after `since` again, in
   * order. Every later message follows, once. Never rejects for a failure of the broker.
   */
  subscribe(topic: string, options: SubscribeOptions): Promise<SubscribeResult>;
  subscribe(topic: string, options?: SubscribeOptions): void | Promise<SubscribeResult> {
    checkTopic(topic);
    const given = options && checkSubscribe(options);
    if (!this.#sendQueue.isOpen) return given && Promise.resolve(missed("unavailable"));
    const subscriptions = this.subscriptions ??= this.#subscribed();
    return given ? subscriptions.recover(topic, given) : subscriptions.subscribe(topic);
  }

  /** Ends the subscription to a topic. Does nothing if there is none. */
  unsubscribe(topic: string): void {
    checkTopic(topic);
    this.subscriptions?.unsubscribe(topic);
  }

  /**
   * Enters a topic with presence (option `topics`), so that others know that this peer is there. A
   * second call changes the data. Does nothing if this peer is not open.
   *
   * @param data JSON values of at most 4,096 bytes, copied.
   * @throws {TypeError} for other data, for a topic without presence, and without a subscription.
   */
  enter(topic: string, data?: unknown): void {
    const member = checkEnter(this, checkTopic(topic), data, this.#host.presence);
    if (this.#sendQueue.isOpen) (this.subscriptions ??= this.#subscribed()).enter(topic, member);
  }

  /** Ends the presence in a topic, as `unsubscribe` and the close do. Does nothing if there is none. */
  exit(topic: string): void {
    checkTopic(topic);
    this.subscriptions?.exit(topic);
  }

  #subscribed(topics?: Set<string>): Subscriptions<Peer> {
    return new Subscriptions(this.namespace, this.#self, this.#sendQueue, this.#host, topics);
  }

  /**
   * Resolves once the queue of this client has drained, or the peer is gone.
   *
   * Rejects with a `RangeError` for a negative `threshold`, with a `TypeError` for an unknown option,
   * and with the reason of an aborted `signal`.
   */
  waitForDrain(options?: DrainOptions): Promise<void> {
    return this.#sendQueue.waitForDrain(options);
  }

  /**
   * Sends a ping frame (RFC 6455 §5.5.2). The client's answer calls the `pong` hook. Idle connections
   * stay open without this call: see `limits.pingInterval`.
   *
   * @param data a value as for {@linkcode send}, of at most 125 bytes.
   * @returns Whether a frame was sent. Always `false` on Deno, on Cloudflare and over SSE. Elsewhere
   * `false` if the peer is not open, or more than `limits.maxBuffered` bytes are queued.
   * @throws {RangeError} for more than 125 bytes.
   */
  ping(data: unknown = ""): boolean {
    return this.#sendQueue.ping(checkPing(encode(data)));
  }

  /**
   * Closes the connection with a closing handshake. Only the first call has an effect.
   *
   * @param code 1000–1003, 1007–1014 or 3000–4999 (RFC 6455 §7.4). Default: 1000.
   * @param reason a string (else a `TypeError`) of at most 123 bytes of UTF-8.
   * @throws {RangeError} for a code or reason that RFC 6455 does not allow.
   */
  close(code = 1000, reason = ""): void {
    checkClose(code, reason);
    this.#sendQueue.close(code, reason);
  }

  /** Ends the connection without a closing handshake. The client sees the close code 1006. */
  terminate(): void {
    this.#sendQueue.terminate();
  }

  /** Returns the {@linkcode id}. */
  toString(): string {
    return this.id;
  }

  /** Returns the {@linkcode id} only: the JSON text reveals neither context nor address. */
  toJSON(): string {
    return this.id;
  }

  /** @internal Sends one frame of a publish. Returns whether the queue has accepted the frame. */
  deliver(frame: OutgoingFrame, compress: boolean): boolean {
    try {
      return this.#sendQueue.send(frame, compress) >= 0;
    } catch {
      return false; // a full queue must not stop the publish; the send queue has counted a drop
    }
  }

  /** @internal Whether the connection is open. */
  get isOpen(): boolean {
    return this.#sendQueue.isOpen;
  }

  /** @internal Broadcast domain in which the hub has subscribed this peer. */
  get broadcastDomain(): BroadcastDomain | undefined {
    return this.subscriptions?.domain;
  }

  /** @internal Send queue, for native broadcasts. */
  get sendQueue(): NativeSendQueue {
    return this.#sendQueue;
  }

  /** @internal Joins the namespace. */
  join(): void {
    const { hub, ids } = this.#host;
    this.#joined = true;
    if (this.#id !== undefined) ids.set(this.#id, this.#self);
    hub.join(this.namespace, this.#self);
    if (this.user !== undefined) (this.subscriptions ??= this.#subscribed()).joinUser(this.user);
  }

  /** @internal Ends all subscriptions, leaves the namespace, and aborts the request's signal. */
  leave(): void {
    const { hub, ids } = this.#host;
    this.subscriptions?.end();
    this.#joined = false;
    if (this.#id !== undefined) ids.delete(this.#id);
    hub.leave(this.namespace, this.#self);
    // Creates the error on demand, because its stack trace costs a tenth of a handshake.
    this.#handshake.abort(() => new DOMException("The peer is gone", "AbortError"));
  }
}
