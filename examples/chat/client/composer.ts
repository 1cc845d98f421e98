/// <reference lib="dom" />
import { cleanText, MAX_TEXT } from "../protocol.ts";
import { byId } from "./dom.ts";
import { tabStorage } from "./storage.ts";

/** Milliseconds between two typing messages. */
const TYPING_EVERY = 2_000;
/** Number of remaining characters at which the counter appears. */
const COUNT_BELOW = 200;

export interface ComposerListener {
  onsay(text: string): void;
  ontyping(): void;
}

/** The message field. Its draft survives a lost connection, a reload and a change of room. */
export class Composer {
  readonly #form = byId("composer", HTMLFormElement);
  readonly #draft = byId("draft", HTMLTextAreaElement);
  readonly #keys = byId("draft-keys", HTMLElement);
  readonly #left = byId("draft-left", HTMLElement);
  readonly #listener: ComposerListener;
  #room = "";
  #sentTypingAt = -Infinity;

  constructor(listener: ComposerListener) {
    this.#listener = listener;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#say();
    });
    this.#draft.addEventListener("keydown", (event) => {
      // During composition, Enter belongs to the input method.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#say();
    });
    this.#draft.addEventListener("input", () => this.#onInput());
  }

  enter(room: string): void {
    this.#room = room;
    this.#draft.value = tabStorage.get(`draft.${room}`) ?? "";
    this.#showLeft();
  }

  focus(): void {
    this.#draft.focus();
  }

  #say(): void {
    const text = cleanText(this.#draft.value);
    this.#draft.focus();
    if (text === undefined) return;
    this.#draft.value = "";
    this.#sentTypingAt = -Infinity;
    tabStorage.set(`draft.${this.#room}`, "");
    this.#showLeft();
    this.#listener.onsay(text);
  }

  #onInput(): void {
    tabStorage.set(`draft.${this.#room}`, this.#draft.value);
    this.#showLeft();
    const now = performance.now();
    if (this.#draft.value.trim() === "" || now - this.#sentTypingAt < TYPING_EVERY) return;
    this.#sentTypingAt = now;
    this.#listener.ontyping();
  }

  #showLeft(): void {
    const left = MAX_TEXT - this.#draft.value.length;
    const isLong = left < COUNT_BELOW;
    this.#keys.hidden = isLong;
    this.#left.textContent = isLong ? `${left} characters left` : "";
  }
}
