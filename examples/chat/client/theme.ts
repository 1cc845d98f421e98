/// <reference lib="dom" />
import { browserStorage } from "./storage.ts";

/** Shows the theme that was chosen last; "auto" is what the system prefers. */
export function showTheme(): void {
  document.documentElement.dataset["theme"] = browserStorage.get("theme") ?? "auto";
}

/** Lets the radio buttons choose. */
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
