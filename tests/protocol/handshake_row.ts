import {
  type Alternative,
  close,
  type Expected,
  type Row,
  type RowHandshake,
  text,
  whole,
} from "./row.ts";

const OK: Expected = { messages: [text("hello")], ends: [1000] };
/** Any refusal by HTTP, or a line that just ends. */
export const REFUSED: Alternative = {
  status: [0, 400, 403, 404, 405, 413, 414, 417, 426, 431, 501, 505],
  why: "Refused, by another status or the end of the line alone",
};

/** A handshake, and one text where it is accepted. */
function row(
  id: string,
  fact: string,
  handshake: RowHandshake,
  strict: Expected,
  nonStrict: readonly Alternative[] = [],
): Row {
  const sends = [whole(text("hello")), close(1000)];
  return { id, fact, handshake, sends, strict, nonStrict };
}

export function accepted(
  id: string,
  fact: string,
  handshake: RowHandshake,
  ...or: Alternative[]
): Row {
  return row(id, fact, handshake, OK, or);
}

export function refused(
  id: string,
  fact: string,
  handshake: RowHandshake,
  ...status: number[]
): Row {
  return row(id, fact, handshake, { status: [400, ...status] }, [REFUSED]);
}

/** What may be read, and may be refused. */
export function either(id: string, fact: string, handshake: RowHandshake): Row {
  return row(id, fact, handshake, { ...OK, status: [101, 400, 505] }, [REFUSED]);
}

/** HTTP's own: an Upgrade that Connection does not name is none (RFC 9110 §7.8). */
export function plain(id: string, fact: string, handshake: RowHandshake): Row {
  return row(id, fact, handshake, { status: [400, 404, 426] }, [REFUSED]);
}

export function headers(headers: RowHandshake["headers"] & object): RowHandshake {
  return { headers };
}

export function head(...lines: readonly string[]): RowHandshake {
  return { raw: `${lines.join("\r\n")}\r\n\r\n` };
}

/** Headers of a good handshake. */
export const USUAL: readonly string[] = [
  "Host: {host}",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/** A value as part of an id. */
export function slug(value: string): string {
  return value.replace(/\t/g, "tab-").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
}
