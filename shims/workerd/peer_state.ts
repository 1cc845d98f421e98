import { logError, PeerError } from "../../common/errors.ts";
import type { CloudflareSocket, DurableContext, DurableKv } from "./workerd.ts";

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

/** Returns the values of a context that can be cloned. Logs the others. */
export function cloneable(context: object, id: string): object {
  try {
    return structuredClone(context);
  } catch { /* find the values that cannot be cloned */ }
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(context)) {
    try {
      kept[key] = structuredClone(value);
    } catch (error) {
      logError(`context.${key} of peer ${id} will not survive hibernation`, error);
    }
  }
  return kept;
}

/** Most bytes of text in an attachment: workerd's limit, less the serializer's overhead. */
const MAX_ATTACHMENT = 16_384 - 16;
/** Most bytes of a value in SQLite-backed storage: the limit of workerd, less room for the key. */
const MAX_VALUE = 2 * 1024 * 1024 - 256;
const PREFIX = "onepeer:";
const TWO_BYTES = /[^\0-\xff]/;

/**
 * Saves each peer of one Durable Object on its socket, as an attachment. State that is too large for
 * an attachment goes to the object's storage. The attachment is then the storage key.
 */
export class PeerStore {
  readonly #ctx: DurableContext;
  #kv: DurableKv | undefined | null = null;

  constructor(ctx: DurableContext) {
    this.#ctx = ctx;
  }

  /** Returns the saved state of a socket's peer; `undefined` if none was saved or it was deleted. */
  read(
    native: CloudflareSocket,
  ): { readonly packed: PackedPeer; readonly isSpilled: boolean } | undefined {
    const attachment = native.deserializeAttachment() as PackedPeer | null | undefined;
    const isSpilled = typeof attachment === "string" && attachment.startsWith(PREFIX);
    const packed = isSpilled ? this.#storage?.get(attachment) as PackedPeer : attachment;
    return packed ? { packed, isSpilled } : undefined;
  }

  /**
   * Saves a peer, in place of its earlier state.
   *
   * @returns Whether the state went to the storage.
   * @throws {PeerError} `ERR_PEER_STATE_TOO_LARGE`. The earlier state is kept.
   */
  write(native: CloudflareSocket, id: string, packed: PackedPeer, wasSpilled: boolean): boolean {
    if (attach(native, packed)) {
      if (wasSpilled) this.#storage?.delete(PREFIX + id);
      return false;
    }
    if (typeof packed === "string") this.check(id, packed.length, sizeOf(packed));
    try {
      this.#storage!.put(PREFIX + id, packed);
    } catch (cause) {
      throw this.#tooLarge(id, "they", cause);
    }
    if (!wasSpilled) native.serializeAttachment(PREFIX + id);
    return true;
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

  /** Deletes the saved state of a peer. */
  forget(native: CloudflareSocket, id: string, isSpilled: boolean): void {
    native.serializeAttachment(null);
    if (isSpilled) this.#storage?.delete(PREFIX + id);
  }

  /** Deletes all saved state from the storage. Call only if the object has no socket. */
  sweep(): void {
    const kv = this.#storage;
    if (!kv) return;
    for (const key of [...kv.list({ prefix: PREFIX })].map(([key]) => key)) kv.delete(key);
  }

  /** Synchronous storage; `undefined` if the class has none. */
  get #storage(): DurableKv | undefined {
    if (this.#kv === null) {
      try {
        this.#kv = this.#ctx.storage.kv;
        this.#kv?.get(PREFIX); // in a class without SQLite, `kv` exists but throws
      } catch {
        this.#kv = undefined;
      }
    }
    return this.#kv;
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
