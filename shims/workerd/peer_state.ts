import { logError, PeerError } from "../../common/errors.ts";
import type { PackedPeer } from "./packed_peer.ts";
import { type CloudflareSocket, type DurableContext, type DurableKv, KEYS } from "./workerd.ts";

/** Most bytes of text in an attachment: workerd's limit, less the serializer's overhead. */
const MAX_ATTACHMENT = 16_384 - 32;
/** Most bytes of a value in SQLite-backed storage: the limit of workerd, less room for the key. */
const MAX_VALUE = 2 * 1024 * 1024 - 256;
/** Beginning of the storage keys of peers. The id of the peer follows. */
const PREFIX = `${KEYS}peer:`;
/** The same in earlier versions. */
const OLD_PREFIX = "onepeer:";
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
/** Number of rows to read at a time. All rows together may exceed the memory of an isolate, 128 MB. */
const PAGE = 10;
/** Most names of context values to log because the values cannot be cloned. */
const MAX_NAMED = 100;
const TWO_BYTES = /[^\0-\xff]/;

/** State that was saved before hibernation. */
export interface FoundState {
  readonly packed: PackedPeer;
  /** Key in the object's storage, if the state was too large for the socket. */
  readonly storageKey: string | undefined;
  /** Saved time of a message of the client; 0 if no time was saved. */
  readonly heardAt: number;
}

/**
 * Saves each peer of one Durable Object on its socket, as an attachment. State that is too large for
 * an attachment goes to the object's storage. The attachment is then the storage key.
 */
export class PeerStore {
  readonly #ctx: DurableContext;
  /** Names of context values that were reported, since they cannot be cloned. */
  readonly #named = new Set<string>();
  #kv: DurableKv | undefined | null = null;

  constructor(ctx: DurableContext) {
    this.#ctx = ctx;
  }

  /**
   * Returns the saved state of a socket's peer; `undefined` if none was saved or it was deleted.
   *
   * @throws {Error} if the state is lost or cannot be read.
   */
  read(native: CloudflareSocket): FoundState | undefined {
    const attachment = attachmentOf(native);
    if (!attachment) return undefined;
    const [heardAt, state] = attachment;
    if (!isKey(state)) return { packed: state, storageKey: undefined, heardAt };
    const kv = this.#storage;
    let packed: unknown;
    try {
      packed = kv?.get(state);
    } catch {
      packed = kv?.get(state); // one more try, since the peer's message would be lost
    }
    if (isPacked(packed)) return { packed, storageKey: state, heardAt };
    throw new Error(`There is no value ${state} in the object's storage`);
  }

  /**
   * Saves a peer, in place of its earlier state.
   *
   * @param from storage key of the earlier state, if it is in the storage.
   * @param heardAt time of the client's latest message; 0 if the object does not need the time.
   * @returns Storage key of the state; `undefined` if the state is on the socket.
   * @throws {PeerError} `ERR_PEER_STATE_TOO_LARGE`. The earlier state is kept.
   */
  write(
    native: CloudflareSocket,
    id: string,
    packed: PackedPeer,
    from: string | undefined,
    heardAt = 0,
  ): string | undefined {
    if (attach(native, packed, heardAt)) {
      this.#delete(from);
      return undefined;
    }
    if (typeof packed === "string") this.check(id, packed.length, sizeOf(packed));
    const key = PREFIX + id;
    try {
      this.#storage!.put(key, packed);
    } catch (cause) {
      throw this.#tooLarge(id, "they", cause);
    }
    if (from !== key) {
      native.serializeAttachment(withTime(key, heardAt));
      this.#delete(from);
    }
    return key;
  }

  /** Saves the time of a client's message. Writes nothing to the storage. */
  heard(native: CloudflareSocket, time: number): void {
    const attachment = attachmentOf(native);
    if (!attachment) return;
    try {
      native.serializeAttachment(withTime(attachment[1], time));
    } catch { /* an earlier version has saved a state that leaves no room for the time */ }
  }

  /**
   * Checks that a text can be saved.
   *
   * @param length in UTF-16 code units.
   * @param size in bytes. Default: two bytes for each code unit.
   * @throws {PeerError} `ERR_PEER_STATE_TOO_LARGE` if the text cannot be saved.
   */
  check(id: string, length: number, size: number = length * 2): void {
    if (length * 2 <= MAX_ATTACHMENT) return;
    if (size > (this.#storage ? MAX_VALUE : MAX_ATTACHMENT)) {
      throw this.#tooLarge(id, `${size} bytes`);
    }
  }

  /** Returns the values of a context that can be cloned. Logs the name of any other value, once. */
  cloneable(context: object, id: string): object {
    try {
      return structuredClone(context);
    } catch { /* find the values that cannot be cloned */ }
    const kept: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(context)) {
      try {
        kept[key] = structuredClone(value);
      } catch (error) {
        if (this.#named.has(key) || this.#named.size >= MAX_NAMED) continue;
        this.#named.add(key);
        logError(`context.${key} of peer ${id} will not survive hibernation`, error);
      }
    }
    return kept;
  }

  /** Deletes the saved state of a peer. */
  forget(native: CloudflareSocket, storageKey: string | undefined): void {
    native.serializeAttachment(null);
    this.#delete(storageKey);
  }

  /** Deletes the state of all peers from the storage. Call only if the object has no socket. */
  sweep(): void {
    try {
      const kv = this.#storage;
      if (kv) { for (const prefix of [PREFIX, OLD_PREFIX]) sweepRows(kv, prefix); }
    } catch (error) {
      logError("the state of earlier peers could not be deleted", error);
    }
  }

  #delete(key: string | undefined): void {
    if (key === undefined) return;
    try {
      this.#storage?.delete(key);
    } catch (error) {
      logError(`the value ${key} could not be deleted from the object's storage`, error);
    }
  }

  /** Synchronous storage; `undefined` if the class has none. */
  get #storage(): DurableKv | undefined {
    if (this.#kv !== null) return this.#kv;
    let kv: DurableKv | undefined;
    try {
      kv = this.#ctx.storage.kv;
      kv?.get(PREFIX);
    } catch (error) {
      // In a class without SQLite, `kv` exists but throws. Any other error may be temporary.
      if (!String(error).includes("SQLite")) return kv;
      return this.#kv = undefined;
    }
    return this.#kv = kv;
  }

  #tooLarge(id: string, what: string, cause?: unknown): PeerError {
    const bound = this.#storage
      ? `${MAX_VALUE} bytes, the most that the object's storage takes`
      : `${MAX_ATTACHMENT} bytes, the most without SQLite: list the class under new_sqlite_classes`;
    return new PeerError(
      "ERR_PEER_STATE_TOO_LARGE",
      `Cannot keep topics and context of peer ${id} through hibernation as ${what} exceed ${bound}`,
      { cause },
    );
  }
}

/** Deletes the state of peers from all rows with a prefix. */
function sweepRows(kv: DurableKv, prefix: string): void {
  let startAfter: string | undefined;
  do {
    const rows = [...kv.list({ prefix, limit: PAGE, ...(startAfter && { startAfter }) })];
    for (const [key, value] of rows) {
      if (isKey(key) && isPacked(value)) kv.delete(key); // any other key is the user's
    }
    startAfter = rows.at(-1)?.[0];
  } while (startAfter);
}

/** A saved peer or its storage key, alone or behind the time of the client's latest message. */
type Attachment = PackedPeer | readonly [heardAt: number, state: PackedPeer];

function withTime(state: PackedPeer, heardAt: number): Attachment {
  return heardAt > 0 ? [heardAt, state] : state;
}

function attachmentOf(native: CloudflareSocket): readonly [number, PackedPeer] | undefined {
  const attachment = native.deserializeAttachment() as Attachment | null | undefined;
  if (!attachment) return undefined;
  return Array.isArray(attachment)
    ? attachment as [number, PackedPeer]
    : [0, attachment as PackedPeer];
}

/** Whether a value is the storage key of a peer. */
function isKey(value: unknown): value is string {
  if (typeof value !== "string") return false;
  const prefix = [PREFIX, OLD_PREFIX].find((prefix) => value.startsWith(prefix));
  return prefix !== undefined && UUID.test(value.slice(prefix.length));
}

/** Whether a value of the storage is a saved peer. */
function isPacked(value: unknown): value is PackedPeer {
  const text = typeof value === "string" ? value : (value as { rest?: unknown } | null)?.rest;
  return typeof text === "string" && text.startsWith('{"handshake":');
}

/** Returns the bytes of a text as V8 serializes it. */
function sizeOf(text: string): number {
  return TWO_BYTES.test(text) ? text.length * 2 : text.length;
}

/** Saves on the socket. Returns false if the state is too large. */
function attach(native: CloudflareSocket, packed: PackedPeer, heardAt: number): boolean {
  if (typeof packed === "string") {
    const fits = packed.length * 2 <= MAX_ATTACHMENT || sizeOf(packed) <= MAX_ATTACHMENT;
    if (fits) native.serializeAttachment(withTime(packed, heardAt));
    return fits;
  }
  try {
    native.serializeAttachment(withTime(packed, heardAt));
    return true;
  } catch {
    return false; // the context was cloned before, so size is the only possible reason
  }
}
