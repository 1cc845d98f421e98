/**
 * Whether two results of `structuredClone` are the same. Values of a kind that this function does
 * not know count as different.
 */
export function isSameClone(
  a: unknown,
  b: unknown,
  seen: Map<object, object> = new Map(),
): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (seen.has(a)) return seen.get(a) === b; // circular, or one object at two places
  seen.set(a, b);
  const kind = Object.prototype.toString.call(a);
  if (kind !== Object.prototype.toString.call(b)) return false;
  if (a instanceof ArrayBuffer) {
    return isSameBytes(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
  }
  const parts = partsOf(a, kind), others = partsOf(b, kind);
  if (!parts || parts.length !== others?.length) return false;
  return parts.every((part, i) => isSameClone(part, others[i], seen));
}

/** Returns all that makes up a value, in order; `undefined` for a value of an unknown kind. */
function partsOf(value: object, kind: string): unknown[] | undefined {
  if (Array.isArray(value)) return [value.length, ...Object.entries(value).flat()];
  if (kind === "[object Object]") return Object.entries(value).flat();
  if (value instanceof Date) return [value.getTime()];
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Set) return [...value];
  if (value instanceof RegExp) return [value.source, value.flags];
  if (value instanceof Error) return [value.name, value.message, value.stack, value.cause];
  if (!ArrayBuffer.isView(value)) return undefined;
  const { buffer, byteOffset, byteLength } = value;
  return [byteOffset, byteLength, buffer];
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
