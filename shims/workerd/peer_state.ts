import { logError, PeerError } from "../../common/errors.ts";
import type { CloudflareSocket, DurableContext, DurableKv } from "./workerd.ts";

/** What never changes of a peer: its handshake, in short names, as it is in every attachment. */
export interface SavedHandshake {
  /** Its id. */
  readonly i: string;
  /** When it opened. */
  readonly o: number;
  /** Path and query. */
  readonly u: string;
  /** Headers: names and values in turns, by line feeds. */
  readonly h: string;
  /** Whether the line is TLS. */
  readonly s: boolean;
  /** Its address. */
  readonly a?: string | undefined;
  /** Its namespace. */
  readonly n: string;
  /** The subprotocol that was negotiated. */
  readonly p: string;
  /** The extensions that were negotiated. */
  readonly e: string;
}

/** All that lasts of a peer. */
export interface SavedPeer {
  readonly handshake: SavedHandshake;
  readonly topics: readonly string[];
  readonly binaryType: string;
  readonly context: object;
}

/** JSON text of all that lasts; where JSON cannot hold the context, it is beside the text of the rest. */
export type PackedPeer = string | { readonly rest: string; readonly context: object };

/** Puts all that lasts of a peer together, of parts that are JSON text already. */
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

/** Takes apart what {@linkcode pack} put together. */
export function unpack(packed: PackedPeer): SavedPeer {
  if (typeof packed === "string") return JSON.parse(packed);
  return { ...JSON.parse(packed.rest), context: packed.context };
}

/** Deeper, a value is taken for one that contains itself. */
const MAX_DEPTH = 64;

/** Whether JSON brings a value back as it was. */
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

/** Those values of a context that can be cloned; the console hears of the others. */
export function cloneable(context: object, id: string): object {
  try {
    return structuredClone(context);
  } catch { /* which ones? */ }
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

/** Most bytes of an attachment, less what serialization adds to a string. */
const MAX_ATTACHMENT = 16_384 - 16;
/** Most bytes of a value in the storage of an object with SQLite, less its key. */
const MAX_VALUE = 2 * 1024 * 1024 - 256;
const PREFIX = "onepeer:";
const TWO_BYTES = /[^\0-\xff]/;

/** Where peers are saved: on the socket; what is too large for that, in the object's storage. */
export class PeerStore {
  readonly #ctx: DurableContext;
  #kv: DurableKv | undefined | null = null;

  constructor(ctx: DurableContext) {
    this.#ctx = ctx;
  }

  /** What was saved of a socket's peer; `undefined` where it has none any more. */
  read(
    native: CloudflareSocket,
  ): { readonly packed: PackedPeer; readonly isSpilled: boolean } | undefined {
    const attachment = native.deserializeAttachment() as PackedPeer | null | undefined;
    const isSpilled = typeof attachment === "string" && attachment.startsWith(PREFIX);
    const packed = isSpilled ? this.#storage?.get(attachment) as PackedPeer : attachment;
    return packed ? { packed, isSpilled } : undefined;
  }

  /**
   * Saves a peer, in place of what was saved before.
   *
   * @returns whether it is in the storage.
   * @throws {PeerError} `ERR_PEER_STATE_TOO_LARGE`; then what was saved before is there still.
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
      throw this.#tooLarge(id, "its state", cause);
    }
    if (!wasSpilled) native.serializeAttachment(PREFIX + id);
    return true;
  }

  /**
   * Makes sure that a text so long can be saved. Its size is asked for only where that is not clear.
   *
   * @throws {PeerError} `ERR_PEER_STATE_TOO_LARGE`
   */
  check(id: string, length: number, size: number = length * 2): void {
    if (length * 2 <= MAX_ATTACHMENT) return;
    if (size > (this.#storage ? MAX_VALUE : MAX_ATTACHMENT)) {
      throw this.#tooLarge(id, `${size} bytes`);
    }
  }

  /** Lets go of what was saved of a peer. */
  forget(native: CloudflareSocket, id: string, isSpilled: boolean): void {
    native.serializeAttachment(null);
    if (isSpilled) this.#storage?.delete(PREFIX + id);
  }

  /** Removes what earlier lives left in the storage; for an object without any sockets. */
  sweep(): void {
    const kv = this.#storage;
    if (!kv) return;
    for (const key of [...kv.list({ prefix: PREFIX })].map(([key]) => key)) kv.delete(key);
  }

  /** The storage, where the class has one that is synchronous. */
  get #storage(): DurableKv | undefined {
    if (this.#kv === null) {
      try {
        this.#kv = this.#ctx.storage.kv;
        this.#kv?.get(PREFIX); // a class without SQLite has it, and throws
      } catch {
        this.#kv = undefined;
      }
    }
    return this.#kv;
  }

  #tooLarge(id: string, what: string, cause?: unknown): PeerError {
    const bound = this.#storage
      ? `${MAX_VALUE} bytes in the object's storage`
      : `${MAX_ATTACHMENT} bytes, as this class has no SQLite: list it under new_sqlite_classes`;
    return new PeerError(
      "ERR_PEER_STATE_TOO_LARGE",
      `Cannot keep topics and context of peer ${id} through hibernation: ${what} of at most ${bound}`,
      { cause },
    );
  }
}

/** Bytes of a text as V8 serializes it. */
function sizeOf(text: string): number {
  return TWO_BYTES.test(text) ? text.length * 2 : text.length;
}

/** Saves on the socket, if it fits. */
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
    return false; // too large, as all of it can be cloned
  }
}
