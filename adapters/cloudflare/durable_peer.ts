import type { Peer } from "../../peer.ts";
import type { Saveable } from "./save_schedule.ts";
import type { CallbackSocket } from "../../socket/callback_socket.ts";
import { isJson, pack, type PackedPeer, packTopics } from "../../shims/workerd/packed_peer.ts";
import type { FoundState, PeerStore } from "../../shims/workerd/peer_state.ts";
import { isSameClone } from "../../shims/workerd/same_clone.ts";
import type { CloudflareSocket } from "../../shims/workerd/workerd.ts";
import { CLOSED } from "../../socket/socket.ts";

/** A peer in memory, with its saved state. State is written only if it has changed. */
export class DurablePeer implements Saveable {
  readonly socket: CallbackSocket<CloudflareSocket>;
  readonly peer: Peer;
  /** Number of hooks that are running. The peer is saved when these hooks have settled. */
  running = 0;
  /** Time of the latest message that arrived while the peer is in memory; 0 if there was none. */
  heardAt = 0;
  /** Milliseconds of silence after which the client is terminated; 0 if it never is. */
  idleTimeout = 0;
  /** Saved time of a message; 0 if the object does not need the time. */
  #heardSaved: number;
  readonly #store: PeerStore;
  #context: object;
  /** JSON text. */
  readonly #handshake: string;
  /** Packed topics and presence; `undefined` if they have changed since the last save. */
  #topics: string | undefined;
  /** JSON text; `undefined` if JSON cannot hold the context, or nothing was saved yet. */
  #savedContext: string | undefined;
  #binaryType: string | undefined;
  #saved: PackedPeer | undefined;
  #storageKey: string | undefined;
  /** JSON length of topics and presence added since the last save, minus the length of those removed. */
  #reserved = 0;
  #isForgotten = false;

  constructor(
    socket: CallbackSocket<CloudflareSocket>,
    peer: Peer,
    store: PeerStore,
    handshake: string,
    found?: FoundState,
  ) {
    this.socket = socket;
    this.peer = peer;
    this.#store = store;
    this.#context = peer.context;
    this.#handshake = handshake;
    // A packed object holds the peer's context itself, which hooks may change. So a copy is kept.
    this.#saved = typeof found?.packed === "object" ? structuredClone(found.packed) : found?.packed;
    this.#storageKey = found?.storageKey;
    this.#heardSaved = found?.heardAt ?? 0;
  }

  /** Notes a message of the client. Saves its time, unless a time was saved less than `ms` ago. */
  heard(ms: number): void {
    this.heardAt = Date.now();
    if (this.heardAt < this.#heardSaved + ms) return;
    this.#heardSaved = this.heardAt;
    this.#store.heard(this.socket.raw, this.heardAt);
  }

  /**
   * Calls `touched` at each read of `peer.context`, since the reader may change the context. The
   * property can be assigned, as on the other runtimes.
   */
  watch(touched: () => void): void {
    const get = () => {
      touched();
      return this.#context;
    };
    const set = (context: object) => {
      this.#context = context;
      touched();
    };
    Object.defineProperty(this.peer, "context", { get, set, enumerable: true });
  }

  /**
   * Reserves space for one more topic in the saved state.
   *
   * @throws {PeerError} `ERR_PEER_STATE_TOO_LARGE` if the topic does not fit.
   */
  reserveTopic(topic: string): void {
    this.reserve(lengthOf(topic));
  }

  /**
   * Reserves space in the saved state, or frees space if `length` is negative.
   *
   * @throws {PeerError} `ERR_PEER_STATE_TOO_LARGE` if there is not as much space.
   */
  reserve(length: number): void {
    if (length > 0) this.#store.check(this.peer.id, this.#savedLength + this.#reserved + length);
    this.#reserved += length;
  }

  /** Frees the space of a topic that the peer has left. */
  releaseTopic(topic: string): void {
    this.reserve(-lengthOf(topic));
  }

  /** Notes that the topics of the peer, or its presence, have changed. The next save packs them again. */
  topicsChanged(): void {
    this.#topics = undefined;
  }

  /** Whether the connection is over. */
  get isClosed(): boolean {
    return this.socket.readyState === CLOSED;
  }

  toString(): string {
    return `peer ${this.peer}`;
  }

  get #savedLength(): number {
    const saved = this.#saved ?? this.#handshake;
    return (typeof saved === "string" ? saved : saved.rest).length;
  }

  /**
   * Saves the state if it has changed. If the connection is over, deletes the saved state.
   *
   * @throws {PeerError} `ERR_PEER_STATE_TOO_LARGE`
   */
  save(): void {
    if (this.isClosed) return this.#forget();
    const { id, websocket: { binaryType } } = this.peer;
    const context = isJson(this.#context)
      ? this.#context
      : this.#store.cloneable(this.#context, id);
    const text = isJson(context) ? JSON.stringify(context) : undefined;
    const isSame = text !== undefined && text === this.#savedContext &&
      this.#topics !== undefined &&
      binaryType === this.#binaryType;
    if (isSame) return;
    this.#topics ??= packTopics(this.peer.topics, this.peer.subscriptions?.entries ?? []);
    const packed = pack(this.#handshake, this.#topics, binaryType, text ?? context);
    if (!isSameClone(packed, this.#saved)) {
      const { raw } = this.socket;
      this.#heardSaved = this.heardAt || this.#heardSaved;
      this.#storageKey = this.#store.write(raw, id, packed, this.#storageKey, this.#heardSaved);
    }
    this.#saved = packed;
    this.#savedContext = text;
    this.#binaryType = binaryType;
    this.#reserved = 0;
  }

  #forget(): void {
    if (this.#isForgotten) return;
    this.#isForgotten = true;
    this.#store.forget(this.socket.raw, this.#storageKey);
  }
}

/** Returns the number of characters that a topic needs in the saved state. */
function lengthOf(topic: string): number {
  return JSON.stringify(topic).length + 1;
}
