import { logError, PeerError } from "../../common/errors.ts";
import { type CloudflareSocket, type DurableContext, type DurableKv, KEYS } from "./workerd.ts";

/** Part of a peer's state that never changes. Names are short, as each saved state repeats them. */
export interface SavedHandshake {
  /** Id of the peer. */
  readonly i: string;
  /** Time of the open, as `Date.now()` counts. */
  readonly o: number;
  /** Path and query of the request. */
  readonly u: string;
  /** Headers: names and values in turn, separated by line feeds. */
  readonly h: string;
  /** Whether the connection uses TLS. */
  readonly s: boolean;
  /** IP address of the client. */
  readonly a?: string | undefined;
  /** Namespace of the peer. */
  readonly n: string;
  /** Negotiated subprotocol. */
  readonly p: string;
  /** Negotiated extensions. */
  readonly e: string;
}

/** State of a peer that survives hibernation. */
export interface SavedPeer {
  readonly handshake: SavedHandshake;
  readonly topics: readonly string[];
  readonly binaryType: string;
  readonly context: object;
}

/** A saved peer: JSON text, or JSON text and a context that JSON cannot hold. */
export type PackedPeer = string | { readonly rest: string; readonly context: object };

/** Packs a peer. Handshake and topics are JSON text, and the context too, if JSON can hold it. */
export function pack(
  handshake: string,
  topics: string,
  binaryType: string,
  context: string | object,
): PackedPeer {
  const rest = `{"handshake":${handshake},"topics":${topics},"binaryType":"${binaryType}"`;
  return typeof context === "string"
    ? `${rest},"context":${context}}`
    : { rest: `${rest}}`, context };
}

/** Reverses {@linkcode pack}. */
export function unpack(packed: PackedPeer): SavedPeer {
  if (typeof packed === "string") return JSON.parse(packed);
  return { ...JSON.parse(packed.rest), context: packed.context };
}

/** Nesting depth above which a value is treated as circular. */
const MAX_DEPTH = 64;

/** Whether a value is the same after a round trip through JSON. */
export function isJson(value: unknown, depth = 0): boolean {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object" || depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (const element of value) if (!isJson(element, depth + 1)) return false;
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) {
    if (!isJson((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

/** Most bytes of text in an attachment: workerd's limit, less the serializer's overhead. */
const MAX_ATTACHMENT = 16_384 - 16;
/** Most bytes of a value in SQLite-backed storage: the limit of workerd, less room for the key. */
const MAX_VALUE = 2 * 1024 * 1024 - 256;
/** Beginning of the storage keys of peers. The id of the peer follows. */
const PREFIX = `${KEYS}peer:`;
/** The same in earlier versions. */
const OLD_PREFIX = "onepeer:";
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
/** Most names of context values to log because the values cannot be cloned. */
const MAX_NAMED = 100;
const TWO_BYTES = /[^\0-\xff]/;

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
  read(
    native: CloudflareSocket,
  ): { readonly packed: PackedPeer; readonly storageKey: string | undefined } | undefined {
    const attachment = native.deserializeAttachment() as PackedPeer | null | undefined;
    if (!attachment) return undefined;
    if (!isKey(attachment)) return { packed: attachment, storageKey: undefined };
    const kv = this.#storage;
    let packed: unknown;
    try {
      packed = kv?.get(attachment);
    } catch {
      packed = kv?.get(attachment); // one more try, since the peer's message would be lost
    }
    if (isPacked(packed)) return { packed, storageKey: attachment };
    throw new Error(`There is no value ${attachment} in the object's storage`);
  }

  /**
   * Saves a peer, in place of its earlier state.
   *
   * @param from storage key of the earlier state, if it is in the storage.
   * @returns Storage key of the state; `undefined` if the state is on the socket.
   * @throws {PeerError} `ERR_PEER_STATE_TOO_LARGE`. The earlier state is kept.
   */
  write(
    native: CloudflareSocket,
    id: string,
    packed: PackedPeer,
    from: string | undefined,
  ): string | undefined {
    if (attach(native, packed)) {
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
      native.serializeAttachment(key);
      this.#delete(from);
    }
    return key;
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
      for (const prefix of [PREFIX, OLD_PREFIX]) {
        for (const [key, value] of [...kv?.list({ prefix }) ?? []]) {
          if (isKey(key) && isPacked(value)) kv!.delete(key); // any other key is the user's
        }
      }
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
function attach(native: CloudflareSocket, packed: PackedPeer): boolean {
  if (typeof packed === "string") {
    const fits = packed.length * 2 <= MAX_ATTACHMENT || sizeOf(packed) <= MAX_ATTACHMENT;
    if (fits) native.serializeAttachment(packed);
    return fits;
  }
  try {
    native.serializeAttachment(packed);
    return true;
  } catch {
    return false; // the context was cloned before, so size is the only possible reason
  }
}
