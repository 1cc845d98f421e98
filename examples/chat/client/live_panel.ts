/// <reference lib="dom" />
import type { Figures } from "../protocol.ts";
import { byId } from "./dom.ts";

/** Seconds that are drawn. */
const SECONDS = 60;
/** The drawing's own units, see its viewBox. */
const HEIGHT = 24, MARGIN = 1.5;
/** The least peak drawn at full height: one message a second is not a storm. */
const LEAST_PEAK = 5;

/** How busy the server is: figures, and the messages of the last minute as a line. */
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

  /** @param onWatch hears whether the figures are wanted: while it is folded, they aren't. */
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
