/// <reference lib="dom" />
import type { ConnectionState } from "./connection.ts";
import { byId, make } from "./dom.ts";

const TRANSPORTS = { websocket: "WebSocket", sse: "SSE" } as const;

/** Shows the connection's state. A screen reader reads only a loss and a reconnect. */
export class ConnectionStatus {
  readonly #status = byId("state", HTMLElement);
  readonly #text = byId("state-text", HTMLElement);
  readonly #news = byId("news", HTMLElement);
  readonly #retry = byId("retry", HTMLButtonElement);
  #ticking: ReturnType<typeof setInterval> | undefined;
  #wasLost = false;

  constructor(onRetry: () => void) {
    this.#retry.addEventListener("click", onRetry);
  }

  show(state: ConnectionState): void {
    clearInterval(this.#ticking);
    this.#status.dataset["state"] = state.kind;
    if (state.kind === "waiting") {
      this.#countDown(state.until);
      this.#ticking = setInterval(() => this.#countDown(state.until), 250);
      if (!this.#wasLost) this.#news.textContent = "Connection lost. Reconnecting.";
      this.#wasLost = true;
    } else if (state.kind === "connecting") {
      this.#text.textContent = this.#wasLost ? "reconnecting…" : "connecting…";
    } else {
      const how = make("span", "state-verb", "connected over ");
      this.#text.replaceChildren(how, TRANSPORTS[state.transport]);
      if (this.#wasLost) this.#news.textContent = "Reconnected.";
      this.#wasLost = false;
    }
    // The button stays visible during an attempt, so that it keeps the focus.
    this.#retry.hidden = !this.#wasLost;
  }

  #countDown(until: number): void {
    const seconds = Math.max(1, Math.ceil((until - performance.now()) / 1000));
    this.#text.textContent = `reconnecting in ${seconds} s…`;
  }
}
