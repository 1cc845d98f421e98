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
/** Any refusal by HTTP, or an end of the connection without a response. */
export const REFUSED: Alternative = {
  status: [0, 400, 403, 404, 405, 413, 414, 417, 426, 431, 501, 505],
  why: "Refused by another status, or only by the end of the connection",
};

/** Row of a handshake, and of one text if the server accepts. */
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

/** Row of a handshake that the server must accept. */
export function accepted(
  id: string,
  input: string,
  handshake: RowHandshake,
  ...or: Alternative[]
): Row {
  return row(id, `the server accepts ${input}`, handshake, OK, or);
}

/** Row of a handshake that the server must refuse. */
export function refused(
  id: string,
  input: string,
  handshake: RowHandshake,
  ...status: number[]
): Row {
  return row(id, `the server refuses ${input}`, handshake, { status: [400, ...status] }, [REFUSED]);
}

/** Row of a handshake that a server may accept or refuse. */
export function either(id: string, input: string, handshake: RowHandshake): Row {
  const fact = `the server accepts or refuses ${input}`;
  return row(id, fact, handshake, { ...OK, status: [101, 400, 505] }, [REFUSED]);
}

/** Row of plain HTTP: an Upgrade needs a Connection that names it (RFC 9110 §7.8). */
export function plain(id: string, input: string, handshake: RowHandshake): Row {
  const fact = `the server does not upgrade ${input}`;
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

/** Returns a value as part of an id. */
export function slug(value: string): string {
  return value.replace(/\t/g, "tab-").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
}
