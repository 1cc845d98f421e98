/// <reference lib="dom" />
import { browserStorage } from "./storage.ts";

/** Applies the stored theme. "auto" follows the system. */
export function showTheme(): void {
  document.documentElement.dataset["theme"] = browserStorage.get("theme") ?? "auto";
}

/** Connects the radio buttons to the theme. */
export function offerThemes(): void {
  const current = browserStorage.get("theme") ?? "auto";
  for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="theme"]')) {
    radio.checked = radio.value === current;
    radio.addEventListener("change", () => {
      browserStorage.set("theme", radio.value === "auto" ? "" : radio.value);
      showTheme();
    });
  }
}
