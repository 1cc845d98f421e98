/// <reference lib="dom" />
import type { Figures } from "../protocol.ts";
import { byId } from "./dom.ts";

/** Number of seconds in the graph. */
const SECONDS = 60;
/** Size in units of the SVG's viewBox. */
const HEIGHT = 24, MARGIN = 1.5;
/** Smallest peak at full height, so that one message a second does not fill the graph. */
const LEAST_PEAK = 5;

/** Shows the server's load: figures, and a graph of the messages of the last minute. */
export class LivePanel {
  readonly #toggle = byId("live-toggle", HTMLButtonElement);
  readonly #body = byId("live-body", HTMLElement);
  readonly #peers = byId("live-peers", HTMLElement);
  readonly #topics = byId("live-topics", HTMLElement);
  readonly #rate = byId("live-rate", HTMLElement);
  readonly #peak = byId("live-peak", HTMLElement);
  readonly #area = drawn("spark-area");
  readonly #line = drawn("spark-line");
  #rates: number[] = Array.from({ length: SECONDS }, () => 0);

  /** @param onWatch called with true if the panel opens, and with false if it closes. */
  constructor(onWatch: (on: boolean) => void) {
    this.#toggle.addEventListener("click", () => {
      const on = !this.isOpen;
      this.#toggle.ariaExpanded = String(on);
      this.#body.hidden = !on;
      onWatch(on);
    });
  }

  get isOpen(): boolean {
    return this.#toggle.ariaExpanded === "true";
  }

  show({ peers, topics, received, sent }: Figures): void {
    const rate = received + sent;
    this.#peers.textContent = String(peers);
    this.#topics.textContent = String(topics);
    this.#rate.textContent = String(rate);
    this.#rates = [...this.#rates.slice(1), rate];
    const peak = Math.max(...this.#rates);
    this.#peak.textContent = peak > 0 ? `peak ${peak}` : "";
    this.#draw(Math.max(peak, LEAST_PEAK));
  }

  #draw(full: number): void {
    const points = this.#rates.map((rate, second) => {
      const y = HEIGHT - MARGIN - rate / full * (HEIGHT - 2 * MARGIN);
      return `${second},${y.toFixed(2)}`;
    });
    const line = `M${points.join("L")}`;
    this.#line.setAttribute("d", line);
    this.#area.setAttribute("d", `${line}V${HEIGHT}H0Z`);
  }
}

function drawn(name: string): SVGPathElement {
  return document.querySelector<SVGPathElement>(`#live-spark .${name}`)!;
}
