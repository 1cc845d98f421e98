import type { Line } from "./protocol.ts";

/** Lines that a newcomer gets. */
const KEPT_LINES = 50;
/** Rooms that are remembered, occupied or not. */
const MAX_ROOMS = 100;
/** Milliseconds after which an empty room is forgotten. */
const FORGOTTEN_AFTER = 10 * 60_000;

/** The last lines said in one room. Who is in it, the library knows: `peer.peers`. */
export class Room {
  readonly #lines: Line[] = [];
  /** When the last one left; undefined while somebody is here. */
  emptySince: number | undefined;

  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** Keeps a line and returns it; a line that is known already comes back as it was. */
  keep(line: Line): { readonly line: Line; readonly isNew: boolean } {
    const known = this.#lines.find(({ id }) => id === line.id);
    if (known) return { line: known, isNew: false };
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    return { line, isNew: true };
  }
}

/** All rooms, by namespace: bounded, and without a timer of their own. */
export class Rooms {
  readonly #rooms = new Map<string, Room>();

  get size(): number {
    return this.#rooms.size;
  }

  has(namespace: string): boolean {
    return this.#rooms.has(namespace);
  }

  /** Whether somebody may enter: the room is known, or there is, or can be made, space for it. */
  admits(namespace: string, now: number): boolean {
    if (this.#rooms.has(namespace)) return true;
    this.#forget(now);
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

  /** The last one has left. */
  vacate(namespace: string, now: number): void {
    this.#forget(now);
    const room = this.#rooms.get(namespace);
    if (!room) return;
    if (room.lines.length === 0) this.#rooms.delete(namespace);
    else room.emptySince = now;
  }

  #forget(now: number): void {
    for (const [namespace, { emptySince }] of this.#rooms) {
      if (emptySince !== undefined && now - emptySince > FORGOTTEN_AFTER) {
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
