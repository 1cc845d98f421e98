/// <reference lib="dom" />
import { pathOf, roomAt, type RoomInfo, roomNamed } from "../protocol.ts";
import { byId, make } from "./dom.ts";

const ALWAYS = "lobby";

/** The list of rooms, and the field for another room. */
export class RoomList {
  readonly #list = byId("rooms", HTMLUListElement);
  readonly #field = byId("new-room", HTMLInputElement);
  readonly #hint = byId("room-hint", HTMLElement);
  readonly #onEnter: (room: string) => void;
  #rooms: readonly RoomInfo[] = [];
  #current = "";

  constructor(onEnter: (room: string) => void) {
    this.#onEnter = onEnter;
    byId("room-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#go(this.#field.value);
    });
    this.#list.addEventListener("click", (event) => this.#follow(event));
  }

  show(current: string, rooms: readonly RoomInfo[] = this.#rooms): void {
    this.#current = current;
    this.#rooms = rooms;
    const people = new Map(rooms.map(({ room, people }) => [room, people]));
    for (const room of [ALWAYS, current]) if (!people.has(room)) people.set(room, 0);
    const focused = document.activeElement?.getAttribute("href");
    this.#list.replaceChildren(
      ...[...people].sort(([a], [b]) => a.localeCompare(b)).map(([room, count]) =>
        this.#item(room, count)
      ),
    );
    // The links are new elements, so the focus must move to the new link.
    if (focused) this.#list.querySelector<HTMLElement>(`[href="${CSS.escape(focused)}"]`)?.focus();
  }

  #item(room: string, people: number): HTMLLIElement {
    const link = make("a", "room", make("span", "room-name", room));
    link.href = pathOf(room);
    if (room === this.#current) link.ariaCurrent = "page";
    if (people > 0) {
      const count = make("span", "count", String(people));
      count.append(make("span", "unseen", people === 1 ? " person" : " people"));
      link.append(" ", count);
    }
    return make("li", "", link);
  }

  #follow(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    const room = link && isPlain ? roomAt(link.pathname) : undefined;
    if (!room) return; // the browser opens another tab or window
    event.preventDefault();
    this.#onEnter(room);
  }

  #go(typed: string): void {
    const room = roomNamed(typed);
    this.#hint.textContent = room ? "" : "Use letters a–z and digits.";
    if (!room) return this.#field.focus();
    this.#field.value = "";
    this.#onEnter(room);
  }
}
