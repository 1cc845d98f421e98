import type { OutgoingFrame } from "../../socket/socket.ts";

const utf8 = new TextEncoder();

/** Node's `Buffer`, typed by the members used here. Other runtimes may lack `Buffer`. */
const { Buffer: NodeBuffer } = globalThis as {
  Buffer?: {
    from(
      buffer: ArrayBuffer,
      offset: number,
      length: number,
    ): { toString(encoding: string): string };
  };
};

/** An event without its `id` line. All recipients share the body; the `id` differs for each. */
export interface EventBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Bytes that a queued event counts, or 0 without a message. Text counts with all bytes of its event,
   * as a line end takes 7 bytes, and a control character up to 6. Binary data counts without the third
   * that base64 adds.
   */
  readonly size: number;
}

/** Comment that keeps a silent response open. Clients ignore comments. */
export const HEARTBEAT: EventBody = { bytes: utf8.encode(":\n\n"), size: 0 };

/** Least size of a message, so that empty messages count too. */
const MIN_SIZE = 4;

const bodies = new WeakMap<OutgoingFrame, EventBody>();

/** Returns a message as an event. The frame is encoded at most once for all recipients. */
export function eventBody(frame: OutgoingFrame): EventBody {
  let body = bodies.get(frame);
  if (!body) {
    const bytes = utf8.encode(textOf(frame));
    const { byteLength } = typeof frame.payload === "string" ? bytes : frame;
    bodies.set(frame, body = { bytes, size: Math.max(byteLength, MIN_SIZE) });
  }
  return body;
}

/** Makes an event of the protocol, with data as JSON. */
export function namedEvent(name: string, data: unknown): EventBody {
  const bytes = utf8.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  return { bytes, size: 0 };
}

function textOf({ payload, bytes }: OutgoingFrame): string {
  if (typeof payload !== "string") return `event: binary\ndata: ${base64(bytes)}\n\n`;
  // A carriage return ends a line of the format, so a data line cannot carry it.
  if (payload.includes("\r")) return `event: json\ndata: ${JSON.stringify(payload)}\n\n`;
  return `data: ${payload.replaceAll("\n", "\ndata: ")}\n\n`;
}

function base64(bytes: Uint8Array<ArrayBuffer>): string {
  const { buffer, byteOffset, byteLength } = bytes;
  if (NodeBuffer) return NodeBuffer.from(buffer, byteOffset, byteLength).toString("base64");
  let binary = "";
  for (let i = 0; i < byteLength; i += 8192) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return btoa(binary);
}
