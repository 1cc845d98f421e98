/// <reference lib="dom" />
import { fallback, type FallbackSocket, WebSocketSSE } from "../../../websocket/sse.ts";
import { byId } from "./dom.ts";
import { tabStorage } from "./storage.ts";

/** Chooses what carries the messages of this tab. */
export class Transport {
  readonly #noWebSocket = byId("no-websocket", HTMLInputElement);

  /** @param onChange hears that another one was chosen. */
  constructor(onChange: () => void) {
    this.#noWebSocket.checked = tabStorage.get("no-websocket") === "yes";
    this.#noWebSocket.addEventListener("change", () => {
      tabStorage.set("no-websocket", this.#noWebSocket.checked ? "yes" : "");
      onChange();
    });
  }

  /** Opens a WebSocket; Server-Sent Events where there can be none, or none is wanted. */
  open(url: string): FallbackSocket | WebSocketSSE {
    return this.#noWebSocket.checked ? new WebSocketSSE(url) : fallback(url);
  }
}
