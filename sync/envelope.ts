import type { SyncMessage } from "../pubsub/sync_adapter.ts";

/** A message, and the id of the node that has sent the message. */
export interface Envelope {
  /** Id of the node, as the option `sync` gets it. */
  readonly id: string;
  /** The message. */
  readonly msg: SyncMessage;
}

/**
 * Returns a message as JSON text, for drivers over a connection that carries only text. The format is
 * the one of crossws 0.4: nodes of both libraries understand each other.
 *
 * @param id id of this node. A driver compares it to ignore the node's own messages.
 *
 * @example
 * ```ts
 * import { decodeEnvelope, encodeEnvelope } from "@onepeer/onepeer/sync";
 *
 * const text = encodeEnvelope("node 1", { namespace: "/", topic: "news", data: "hello" });
 * console.log(decodeEnvelope(text)?.msg.data); // hello
 * ```
 */
export function encodeEnvelope(id: string, msg: SyncMessage): string {
  const { namespace, topic, data } = msg;
  const binary = typeof data !== "string";
  return JSON.stringify({
    id,
    msg: { namespace, topic, binary, data: binary ? base64(data) : data },
  });
}

/** Reads a text of {@linkcode encodeEnvelope}. Returns `undefined` for any other text. */
export function decodeEnvelope(raw: string): Envelope | undefined {
  try {
    const { id, msg } = JSON.parse(raw);
    const { namespace, topic, binary, data } = msg;
    const isText = [id, namespace, topic, data].every((value) => typeof value === "string");
    if (!isText) return undefined;
    return { id, msg: { namespace, topic, data: binary ? bytes(data) : data } };
  } catch {
    return undefined;
  }
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
