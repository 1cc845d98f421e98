/// <reference lib="dom" />
import { make } from "./dom.ts";

const TINTS = 6;

/** Creates a decoration for a name: the first letter on a colour. Hidden from screen readers. */
export function monogram(name: string): HTMLElement {
  const element = make("span", "monogram");
  element.ariaHidden = "true";
  showMonogram(element, name);
  return element;
}

export function showMonogram(element: HTMLElement, name: string): void {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)!) >>> 0;
  element.dataset["tint"] = String(hash % TINTS);
  element.textContent = [...name][0]?.toUpperCase() ?? "";
}
