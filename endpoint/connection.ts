import { transportError } from "../common/errors.ts";
import { HookRunner, type HookRunnerOwner, type PeerHookName } from "./hook_runner.ts";
import type { Admission, ConnectionHost } from "./connection_host.ts";
import { type Awaitable, chain, type PeerHooks } from "./hooks.ts";
import type { Handshake } from "../handshake/handshake.ts";
import { Liveness, type LivenessClock } from "./liveness.ts";
import { Backlog, CHUNK } from "./backlog.ts";
import { TokenBucket } from "./token_bucket.ts";
import { Message } from "../socket/message.ts";
import { SendQueue, type SendQueueOwner } from "../socket/send_queue.ts";
import { Peer } from "../peer.ts";
import type { GapInfo, PresenceChange, TopicListener } from "../pubsub/topic_listener.ts";
import type { Slot } from "./connection_slots.ts";
import {
  type CloseInfo,
  type ControlKind,
  FINISHED,
  type Payload,
  type ServerSocket,
  type SocketFailure,
  type SocketListener,
} from "../socket/socket.ts";

/**
 * One connection, from open to end. Runs the hooks of its peer in the order of the contract. A
 * synchronous hook runs straight from the socket's event. Messages queue up only while a hook is
 * pending.
 */
export class Connection implements SocketListener, SendQueueOwner, HookRunnerOwner, TopicListener {
  readonly peer: Peer;
  readonly #sendQueue: SendQueue;
  readonly #runner: HookRunner;
  readonly #liveness = new Liveness();
  /** Clock that checks this connection. After a revival, the services may get another clock. */
  #clock: LivenessClock | undefined;
  readonly #host: ConnectionHost;
  readonly #slot: Slot;
  readonly #handshake: Handshake;
  /** Number of closes of users before the handshake was accepted. */
  readonly #userCloses: number;
  #opening = false;
  /** Whether `open` has failed. No later hook may start, except `error` and `close`. */
  #openFailed = false;
  #running = 0;
  #received = 0;
  #backlog: Backlog | undefined;
  #bucket: TokenBucket | undefined;
  #paused = false;
  #drained = false;
  #failure: SocketFailure | undefined;
  #failureReported = false;
  #end: CloseInfo | undefined;
  #cancelWait: (() => void) | undefined;

  constructor(socket: ServerSocket, admission: Admission, host: ConnectionHost) {
    this.#runner = new HookRunner(admission.hooks, this);
    this.#host = host;
    this.#slot = admission.slot;
    this.#handshake = admission.handshake;
    this.#userCloses = admission.userCloses ?? Infinity;
    this.#sendQueue = new SendQueue(socket, host, this);
    this.peer = new Peer(this.#sendQueue, admission, host, this);
    socket.listener = this;
  }

  /**
   * Starts the connection.
   *
   * @param revived hooks, if the connection opened before hibernation. The `open` hook does not run
   * again.
   */
  onopen(revived?: Awaitable<PeerHooks>): void {
    this.#slot.keep();
    this.peer.join();
    if (!revived) this.#host.counters.opened++;
    this.#host.began(this);
    const { peer } = this, close = this.#host.userCloses.since(peer.user, this.#userCloses);
    if (close) this.#host.later(peer, () => peer.close(close.code, close.reason));
    // A socket without a heartbeat is checked only while its client is slow, see `watching`.
    if (this.#sendQueue.socket.heartbeat) this.#watchLiveness(true);
    const pending = revived
      ? chain(revived, (hooks) => void (this.#runner.hooks = hooks))
      : this.#runner.run("open");
    if (!pending) return revived ? undefined : this.#handshake.opened();
    this.#opening = true;
    pending.then(() => {
      this.#opening = false;
      this.#handshake.opened();
      this.#proceed();
    });
  }

  onmessage(payload: Payload, byteLength: number): void {
    if (this.#openFailed) return;
    const { counters, limits } = this.#host;
    counters.messagesIn++;
    this.#received++;
    counters.bytesIn += byteLength;
    if (byteLength > limits.maxPayload) {
      return this.#refuse(1009, `A message of ${byteLength} bytes is over limits.maxPayload`);
    }
    if (limits.messagesPerSecond !== Infinity && !this.#takeToken()) {
      counters.drops++;
      return this.#sendQueue.close(1008, "too many messages");
    }
    const message = new Message(this.peer, payload);
    if (this.#mustWait) this.#enqueue(message, byteLength);
    else this.#dispatch(message);
  }

  /** Runs `ping` or `pong` without waiting for other hooks: both measure the connection. */
  oncontrol(kind: ControlKind, data: Uint8Array<ArrayBuffer>): void {
    // uWebSockets.js 20 queues a pong for each ping, even if the client reads none of them.
    if (kind === "ping" && this.#sendQueue.isFull) return this.#sendQueue.terminate();
    this.#runner.run(kind, data);
  }

  get hearsGaps(): boolean {
    return this.#runner.hooks.gap !== undefined && !this.#openFailed && this.#sendQueue.isOpen;
  }

  missed(gap: GapInfo): void {
    if (this.hearsGaps) this.#runner.run("gap", gap);
  }

  presenceChanged(change: PresenceChange): void {
    if (!this.#runner.hooks.presence) return;
    const { peer } = this, { hub } = this.#host;
    this.#host.later(peer, () => {
      if (this.#openFailed || !hub.subscribers(change.topic, peer.namespace).has(peer)) return;
      this.#runner.run("presence", change);
    });
  }

  ondrain(): void {
    this.#sendQueue.checkDrain();
  }

  onerror(failure: SocketFailure): void {
    this.#failure ??= failure;
    this.#proceed();
  }

  onclose(info: CloseInfo): void {
    if (this.#leave(info)) this.#proceed();
  }

  onclosing(): void {
    this.peer.subscriptions?.changeDomain();
  }

  domainChanged(): void {
    this.peer.subscriptions?.changeDomain();
  }

  watching(isOn: boolean): void {
    // A socket with a heartbeat is checked from open to end.
    if (this.#sendQueue.socket.heartbeat) return;
    this.#watchLiveness(isOn);
  }

  #watchLiveness(isOn: boolean): void {
    this.#clock?.delete(this);
    this.#clock = isOn ? this.#host.idle : undefined;
    this.#clock?.add(this);
  }

  moved(): void {
    this.#liveness.moved();
  }

  drained(): void {
    this.#drained = true;
    this.#proceed();
  }

  terminated(info: CloseInfo): void {
    if (!this.#leave(info)) return;
    this.#dropBacklog();
    // Deferred, as a hook may have called `terminate()`, and no hook starts inside another.
    this.#host.later(this.peer, () => this.#finish());
  }

  /** Pings a silent client, and ends the connection of a dead one. */
  checkLiveness(): void {
    const { heartbeat } = this.#sendQueue.socket;
    const todo = this.#liveness.check({
      activity: heartbeat?.activity() ?? this.#received,
      queued: this.#sendQueue.slowAmount,
      hasHeartbeat: heartbeat !== undefined,
      isPaused: this.#paused,
    }, this.#clock!);
    if (todo === "ping") heartbeat!.ping();
    if (todo === "end") this.#sendQueue.terminate();
  }

  get #mustWait(): boolean {
    return this.#opening || this.#running >= this.#host.limits.concurrency ||
      (this.#backlog?.length ?? 0) > 0;
  }

  #takeToken(): boolean {
    return (this.#bucket ??= new TokenBucket(this.#host.limits.messagesPerSecond)).take();
  }

  #refuse(code: number, message: string): void {
    this.#failure ??= { code, message };
    this.#sendQueue.close(code, "");
    this.#proceed();
  }

  #enqueue(message: Message<Peer>, byteLength: number): void {
    const { limits, counters } = this.#host;
    const { flow } = this.#sendQueue.socket;
    Message.settle(message);
    const backlog = this.#backlog ??= new Backlog(limits.pendingMessages, limits.pendingBytes);
    if (backlog.fits(byteLength)) return backlog.push(message, byteLength);
    const most = limits.pendingBytes + Math.max(limits.maxPayload, CHUNK);
    if (flow && backlog.byteLength < most) {
      // A runtime may deliver one more chunk before a pause takes effect. A chunk may inflate to many
      // times its size.
      backlog.push(message, byteLength);
      if (!this.#paused) flow.pause();
      this.#paused = true;
      return;
    }
    counters.drops++;
    this.#sendQueue.close(1013, "too many pending messages");
  }

  #dispatch(message: Message<Peer>): void {
    const pending = this.#runner.run("message", message);
    if (!pending || this.#host.limits.concurrency === Infinity) return;
    this.#running++;
    pending.then(() => {
      this.#running--;
      this.#proceed();
    });
  }

  /** Handles, in order, all events that waited for a hook. Stops at the next pending hook. */
  #proceed(): void {
    if (this.#opening || this.#sendQueue.state === FINISHED) return;
    // The drain comes before the queued messages, since a pending message hook may wait for a drain.
    if (this.#drained) {
      this.#drained = false;
      if (!this.#openFailed) this.#runner.run("drain");
    }
    while (this.#backlog?.length && this.#running < this.#host.limits.concurrency) {
      this.#dispatch(this.#backlog.shift());
    }
    if (this.#paused && (this.#backlog?.isHalfEmpty ?? true)) {
      this.#paused = false;
      this.#sendQueue.socket.flow?.resume();
    }
    if (this.#backlog?.length) return;
    this.#reportFailure();
    if (this.#end) this.#finish();
  }

  #reportFailure(): void {
    if (!this.#failure || !this.#runner.hooks.error || this.#failureReported) return;
    this.#failureReported = true;
    this.#runner.report(transportError(this.#failure));
  }

  /** Removes the peer from its topics, and frees its slot. Returns false if called before. */
  #leave(info: CloseInfo): boolean {
    if (this.#end) return false;
    const { limits, timers } = this.#host;
    const end = this.#sendQueue.end(info);
    // Done before the `close` hook, which may never settle.
    this.#watchLiveness(false);
    this.#end = this.#failure ? { ...end, code: this.#failure.code, wasClean: false } : end;
    this.peer.leave();
    this.#slot.release();
    if (this.#opening || this.#mustWait) {
      this.#cancelWait = timers.after(limits.closeTimeout, () => {
        this.#dropBacklog();
        this.#finish();
      });
    }
    return true;
  }

  #dropBacklog(): void {
    this.#host.counters.drops += this.#backlog?.length ?? 0;
    this.#backlog = undefined;
  }

  #finish(): void {
    if (!this.#sendQueue.finish()) return;
    this.#cancelWait?.();
    this.#reportFailure();
    const pending = this.#runner.run("close", this.#end);
    if (pending) pending.then(() => this.#host.finished(this));
    else this.#host.finished(this);
  }

  ran(hook: Promise<void> | undefined): Promise<void> | undefined {
    return this.#host.ran?.(this.peer, hook);
  }

  hookFailed(hook: PeerHookName): void {
    const { error } = this.#runner.hooks;
    if (hook === "open") {
      this.#openFailed = true;
      this.#dropBacklog();
    }
    if (hook === "open" || !error) this.#sendQueue.close(1011, "");
  }
}
