import type { Line } from "./protocol.ts";

/** Number of lines that a room keeps for new visitors. */
const MAX_LINES = 50;
/** Maximum number of rooms, occupied or empty. */
const MAX_ROOMS = 100;
/** Milliseconds after which an empty room is deleted. */
const DELETE_AFTER = 10 * 60_000;

/** The last lines of one room. The library keeps the people: `peer.peers`. */
export class Room {
  readonly #lines: Line[] = [];
  /** Time at which the last visitor left; undefined while the room is occupied. */
  emptySince: number | undefined;

  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** Stores a line and returns it. If the id is known, returns the stored line unchanged. */
  keep(line: Line): { readonly line: Line; readonly isNew: boolean } {
    const known = this.#lines.find(({ id }) => id === line.id);
    if (known) return { line: known, isNew: false };
    this.#lines.push(line);
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
    return { line, isNew: true };
  }
}

/** All rooms by namespace. Their number is bounded, and they need no timer. */
export class Rooms {
  readonly #rooms = new Map<string, Room>();

  get size(): number {
    return this.#rooms.size;
  }

  has(namespace: string): boolean {
    return this.#rooms.has(namespace);
  }

  /** Whether a visitor may enter: the room exists, or the server can create it. */
  admits(namespace: string, now: number): boolean {
    if (this.#rooms.has(namespace)) return true;
    this.#deleteExpired(now);
    return this.#rooms.size < MAX_ROOMS || this.#longestEmpty() !== undefined;
  }

  enter(namespace: string): Room {
    let room = this.#rooms.get(namespace);
    if (!room) {
      const oldest = this.#rooms.size < MAX_ROOMS ? undefined : this.#longestEmpty();
      if (oldest !== undefined) this.#rooms.delete(oldest);
      this.#rooms.set(namespace, room = new Room());
    }
    room.emptySince = undefined;
    return room;
  }

  /** Marks a room as empty after the last visitor has left. */
  vacate(namespace: string, now: number): void {
    this.#deleteExpired(now);
    const room = this.#rooms.get(namespace);
    if (!room) return;
    if (room.lines.length === 0) this.#rooms.delete(namespace);
    else room.emptySince = now;
  }

  #deleteExpired(now: number): void {
    for (const [namespace, { emptySince }] of this.#rooms) {
      if (emptySince !== undefined && now - emptySince > DELETE_AFTER) {
        this.#rooms.delete(namespace);
      }
    }
  }

  #longestEmpty(): string | undefined {
    let longest: string | undefined;
    let since = Infinity;
    for (const [namespace, { emptySince = Infinity }] of this.#rooms) {
      if (emptySince < since) [longest, since] = [namespace, emptySince];
    }
    return longest;
  }
}
