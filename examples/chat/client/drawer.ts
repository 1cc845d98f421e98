/// <reference lib="dom" />
import { byId } from "./dom.ts";

/** Opens and closes the panel, which covers the room on a narrow screen. */
export class Drawer {
  readonly #panel = byId("panel", HTMLElement);
  readonly #room = byId("room", HTMLElement);
  readonly #open = byId("panel-open", HTMLButtonElement);
  readonly #close = byId("panel-close", HTMLButtonElement);
  readonly #isNarrow = matchMedia("(max-width: 47.99rem)");

  constructor() {
    this.#open.addEventListener("click", () => this.#show(true));
    this.#close.addEventListener("click", () => this.close());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) this.close();
    });
    this.#isNarrow.addEventListener("change", () => this.#show(false));
  }

  close(): void {
    if (!this.#room.inert) return;
    this.#show(false);
    this.#open.focus();
  }

  #show(isOpen: boolean): void {
    document.body.dataset["panel"] = isOpen ? "open" : "closed";
    this.#open.ariaExpanded = String(isOpen);
    this.#room.inert = isOpen;
    if (isOpen) this.#close.focus();
  }
}
