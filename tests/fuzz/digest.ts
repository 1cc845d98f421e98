/**
 * Short form of a message for comparison between processes: kind, length and FNV-1a of its bytes.
 */
export function digest(isText: boolean, bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return `${isText ? "t" : "b"}${bytes.length}:${(hash >>> 0).toString(36)}`;
}
