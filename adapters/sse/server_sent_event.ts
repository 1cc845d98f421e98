import type { OutgoingFrame } from "../../socket/socket.ts";

const utf8 = new TextEncoder();

/** What Node's `Buffer` has and a plain array of bytes may lack; typed by what is used. */
const { Buffer: NodeBuffer } = globalThis as {
  Buffer?: {
    from(
      buffer: ArrayBuffer,
      offset: number,
      length: number,
    ): { toString(encoding: string): string };
  };
};

/** One event after its `id` line, which is the client's own: shared by all who get it. */
export interface EventBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What it counts while it waits: as much as a message on a WebSocket, and nothing where it is none. */
  readonly size: number;
}

/** What a message counts at least: empty ones must not be for nothing. */
const LEAST = 4;

/** A comment: keeps the line busy, and no client hears of it. */
export const HEARTBEAT: EventBody = { bytes: utf8.encode(":\n\n"), size: 0 };

const bodies = new WeakMap<OutgoingFrame, EventBody>();

/** A message as an event: encoded at most once, however many get it. */
export function eventBody(frame: OutgoingFrame): EventBody {
  let body = bodies.get(frame);
  if (!body) {
    body = { bytes: utf8.encode(textOf(frame)), size: Math.max(frame.byteLength, LEAST) };
    bodies.set(frame, body);
  }
  return body;
}

/** An event of ours, with data as JSON. */
export function namedEvent(name: string, data: unknown): EventBody {
  const bytes = utf8.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  return { bytes, size: 0 };
}

function textOf({ payload, bytes }: OutgoingFrame): string {
  if (typeof payload !== "string") return `event: binary\ndata: ${base64(bytes)}\n\n`;
  // The one line end of the format that a data line cannot carry.
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
