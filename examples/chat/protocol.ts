/** The JSON messages in both directions. The server and the page share this file. */

/** Maximum length of a line in UTF-16 units, the unit of a text field's `maxlength`. */
export const MAX_TEXT = 2_000;
/** Maximum length of a nickname in UTF-16 units. */
export const MAX_NAME = 32;

export interface Person {
  /** Id of the connection. A person has a new id after a reconnect. */
  readonly id: string;
  readonly name: string;
}

export interface Line {
  /** Id that the writer chose. A line that is sent twice has the same id both times. */
  readonly id: string;
  /** {@linkcode Person.id} of the writer. */
  readonly from: string;
  readonly name: string;
  readonly text: string;
  /** Time at which the server accepted the line, in milliseconds since 1970. */
  readonly at: number;
}

export interface RoomInfo {
  readonly room: string;
  readonly people: number;
}

/** Figures of the last second. */
export interface Figures {
  readonly peers: number;
  readonly topics: number;
  /** Messages per second. */
  readonly received: number;
  /** Messages per second, each recipient counted. */
  readonly sent: number;
}

export type ClientMessage =
  | { readonly type: "say"; readonly id: string; readonly text: string }
  | { readonly type: "rename"; readonly name: string }
  | { readonly type: "typing" }
  /** Whether the client wants {@linkcode Figures}. */
  | { readonly type: "watch"; readonly on: boolean };

export type ServerMessage =
  | {
    readonly type: "welcome";
    readonly you: string;
    /** Position of the room's newest line. */
    readonly position?: string | undefined;
    /** Whether lines may be missing before the ones that came ahead of this message. */
    readonly missed: boolean;
    readonly people: readonly Person[];
    /** Whether `people` may be out of date. */
    readonly stale: boolean;
    readonly rooms: readonly RoomInfo[];
  }
  /** A line of the room, and what a page sends as `since` to get the lines after it. */
  | { readonly type: "line"; readonly line: Line; readonly position: string }
  /** Receipt for a line: the room has it, once. */
  | { readonly type: "kept"; readonly id: string }
  /** Lines may be missing before the next one. */
  | { readonly type: "missed" }
  | {
    readonly type: "people";
    readonly joined: readonly Person[];
    readonly updated: readonly Person[];
    readonly left: readonly Person[];
  }
  | { readonly type: "typing"; readonly id: string }
  | { readonly type: "rooms"; readonly rooms: readonly RoomInfo[]; readonly stale: boolean }
  | { readonly type: "live"; readonly figures: Figures };

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ROOM_PATH = /^\/room\/([a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?)$/;
// Control characters, and characters that change the direction of the text around them.
const HARMFUL = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const HARMFUL_BUT_BREAKS = /(?!\n)[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;
const MARKS = /\p{M}/gu;

/** Returns the message in `text`, reduced to the protocol's fields, or undefined if invalid. */
export function parseClientMessage(text: string): ClientMessage | undefined {
  const value = parseObject(text);
  switch (value?.["type"]) {
    case "say": {
      const { id } = value;
      const line = cleanText(value["text"]);
      if (typeof id !== "string" || !UUID.test(id) || line === undefined) return undefined;
      return { type: "say", id, text: line };
    }
    case "rename": {
      const name = cleanName(value["name"]);
      return name === undefined ? undefined : { type: "rename", name };
    }
    case "typing":
      return { type: "typing" };
    case "watch":
      return typeof value["on"] === "boolean" ? { type: "watch", on: value["on"] } : undefined;
    default:
      return undefined;
  }
}

/** Returns the message in `text`. The page trusts the server, so only `type` is checked. */
export function parseServerMessage(text: string): ServerMessage | undefined {
  const value = parseObject(text);
  return typeof value?.["type"] === "string" ? value as unknown as ServerMessage : undefined;
}

/** A character that a reader sees. U+2800 is an empty pattern of Braille dots. */
const VISIBLE = /[^\p{Default_Ignorable_Code_Point}\p{C}\p{Z}\u2800]/u;

/** Returns a nickname without harmful characters, or undefined if it is invisible or too long. */
export function cleanName(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > 4 * MAX_NAME) return undefined;
  const name = value.toWellFormed().replace(HARMFUL, " ").replace(/\s+/g, " ").trim();
  return VISIBLE.test(name) && name.length <= MAX_NAME ? name : undefined;
}

/** Returns a line without harmful characters, or undefined if it is empty or too long. */
export function cleanText(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > MAX_TEXT) return undefined;
  const text = value.toWellFormed().replace(HARMFUL_BUT_BREAKS, "").trim();
  return text === "" ? undefined : text;
}

/** Returns the room of a URL's pathname. */
export function roomAt(pathname: string): string | undefined {
  return ROOM_PATH.exec(pathname)?.[1];
}

/** Returns the URL's pathname of a room. */
export function pathOf(room: string): string {
  return `/room/${room}`;
}

/** Converts typed text to the name of a room: "Café No. 5" becomes `cafe-no-5`. */
export function roomNamed(typed: string): string | undefined {
  const room = typed.normalize("NFKD").replace(MARKS, "").toLowerCase()
    .replace(/[^a-z0-9]+/g, "-").slice(0, 33).replace(/^-+/, "").slice(0, 32).replace(/-+$/, "");
  return room === "" ? undefined : room;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}
