/// <reference lib="dom" />
import { cleanName } from "../protocol.ts";
import { byId } from "./dom.ts";
import { browserStorage } from "./storage.ts";

const MANNERS = ["Brisk", "Calm", "Clever", "Gentle", "Merry", "Quiet", "Sunny", "Wry"];
const BIRDS = ["Avocet", "Dunlin", "Finch", "Heron", "Kestrel", "Linnet", "Plover", "Wren"];

/** The user's name: chosen, stored from the last visit, or random at the first visit. */
export class Nickname {
  #name: string = cleanName(browserStorage.get("name")) ?? `${pick(MANNERS)} ${pick(BIRDS)}`;
  readonly #field = byId("name", HTMLInputElement);
  readonly #hint = byId("name-hint", HTMLElement);
  readonly #onChange: (name: string) => void;

  constructor(onChange: (name: string) => void) {
    this.#onChange = onChange;
    this.#field.value = this.#name;
    browserStorage.set("name", this.#name);
    byId("name-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#take();
    });
    this.#field.addEventListener("change", () => this.#take());
  }

  get current(): string {
    return this.#name;
  }

  #take(): void {
    const name = cleanName(this.#field.value) ?? this.#name;
    this.#field.value = name;
    if (name === this.#name) return;
    this.#name = name;
    browserStorage.set("name", name);
    this.#hint.textContent = `Your name is now ${name}.`;
    this.#onChange(name);
  }
}

function pick(from: readonly string[]): string {
  return from[Math.floor(Math.random() * from.length)] ?? "";
}
