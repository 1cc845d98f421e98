/// <reference lib="dom" />
import { fallback, type FallbackSocket, WebSocketSSE } from "../../../websocket/sse.ts";
import { byId } from "./dom.ts";
import { tabStorage } from "./storage.ts";

/** Selects the transport of this tab: WebSocket or SSE. */
export class Transport {
  readonly #noWebSocket = byId("no-websocket", HTMLInputElement);

  /** @param onChange called after the user has selected another transport. */
  constructor(onChange: () => void) {
    this.#noWebSocket.checked = tabStorage.get("no-websocket") === "yes";
    this.#noWebSocket.addEventListener("change", () => {
      tabStorage.set("no-websocket", this.#noWebSocket.checked ? "yes" : "");
      onChange();
    });
  }

  /** Opens a WebSocket. Uses SSE if a WebSocket is impossible or switched off. */
  open(url: string): FallbackSocket | WebSocketSSE {
    return this.#noWebSocket.checked ? new WebSocketSSE(url) : fallback(url);
  }
}
