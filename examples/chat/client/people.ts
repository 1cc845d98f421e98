/// <reference lib="dom" />
import type { Person } from "../protocol.ts";
import { byId, make } from "./dom.ts";
import { monogram } from "./monogram.ts";

/** Milliseconds for which a typing message counts. */
const TYPING_FOR = 4_000;

/** The people in the room, and which of them are typing. */
export class People {
  readonly #list = byId("people", HTMLUListElement);
  readonly #count = byId("people-count", HTMLElement);
  readonly #stale = byId("people-stale", HTMLElement);
  readonly #typing = byId("typing", HTMLElement);
  readonly #here = new Map<string, Person>();
  readonly #typists = new Map<string, ReturnType<typeof setTimeout>>();
  #you = "";

  get names(): string[] {
    return [...this.#here.values()].map(({ name }) => name);
  }

  /** Replaces all people. */
  reset(you: string, people: readonly Person[], stale: boolean): void {
    this.#you = you;
    this.setStale(stale);
    this.#here.clear();
    for (const person of people) this.#here.set(person.id, person);
    for (const id of [...this.#typists.keys()]) this.stopTyping(id);
    this.#show();
  }

  /** Adds or renames a person; returns the person's previous name. */
  put(person: Person): string | undefined {
    const before = this.#here.get(person.id)?.name;
    this.#here.set(person.id, person);
    this.#show();
    return before;
  }

  /** Returns whether the person was in the list. */
  remove({ id }: Person): boolean {
    const wasHere = this.#here.delete(id);
    this.stopTyping(id);
    this.#show();
    return wasHere;
  }

  /** Marks the list: the server may not know of all changes now. */
  setStale(stale: boolean): void {
    this.#stale.hidden = !stale;
    this.#list.classList.toggle("stale", stale);
  }

  isYou({ id }: Person): boolean {
    return id === this.#you;
  }

  startTyping(id: string): void {
    clearTimeout(this.#typists.get(id));
    this.#typists.set(id, setTimeout(() => this.stopTyping(id), TYPING_FOR));
    this.#showTyping();
  }

  stopTyping(id: string): void {
    clearTimeout(this.#typists.get(id));
    if (this.#typists.delete(id)) this.#showTyping();
  }

  #show(): void {
    // The user first, all others by name.
    const people = [...this.#here.values()].sort((a, b) =>
      Number(this.isYou(b)) - Number(this.isYou(a)) || a.name.localeCompare(b.name)
    );
    this.#count.textContent = String(people.length);
    this.#list.replaceChildren(...people.map((person) => {
      const name = make("bdi", "", person.name);
      const item = make("li", "person", monogram(person.name), name);
      if (this.isYou(person)) item.append(make("span", "aside", "you"));
      return item;
    }));
  }

  #showTyping(): void {
    const names = [...this.#typists.keys()].flatMap((id) => this.#here.get(id)?.name ?? []);
    const [first, second] = names;
    this.#typing.textContent = first === undefined
      ? ""
      : second === undefined
      ? `${first} is typing…`
      : names.length === 2
      ? `${first} and ${second} are typing…`
      : "Several people are typing…";
  }
}
