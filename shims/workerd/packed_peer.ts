import type { SavedLimits } from "./saved_limits.ts";

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
  /** User of the peer. */
  readonly r?: string | undefined;
  /** Negotiated subprotocol. */
  readonly p: string;
  /** Negotiated extensions. */
  readonly e: string;
  /** Limits that the hooks of the peer have set, if they differ from those of the endpoint. */
  readonly l?: SavedLimits | undefined;
  /** Number of trusted proxies, if the hooks of the peer have set another than the endpoint has. */
  readonly f?: number | undefined;
}

/** State of a peer that survives hibernation. */
export interface SavedPeer {
  readonly handshake: SavedHandshake;
  readonly topics: readonly string[];
  /** Topics that the peer has entered, each with its data if there are some. */
  readonly entered?: readonly (readonly [topic: string, data?: unknown])[];
  readonly binaryType: string;
  readonly context: object;
}

/** A saved peer: JSON text, or JSON text and a context that JSON cannot hold. */
export type PackedPeer = string | { readonly rest: string; readonly context: object };

/** Returns the JSON text of topics, and of the data of those that the peer has entered. */
export function packTopics(
  topics: Iterable<string>,
  entered: Iterable<readonly [topic: string, entry: { readonly data?: unknown }]>,
): string {
  const entries = [...entered].map(([topic, { data }]) => {
    return data === undefined ? [topic] : [topic, data];
  });
  const text = JSON.stringify([...topics]);
  return entries.length > 0 ? `${text},"entered":${JSON.stringify(entries)}` : text;
}

/**
 * Packs a peer. The handshake is JSON text, and the context too, if JSON can hold it.
 *
 * @param topics result of {@linkcode packTopics}.
 */
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
