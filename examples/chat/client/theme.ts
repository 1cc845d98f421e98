/// <reference lib="dom" />
import { lasting } from "./memory.ts";

/** Shows the theme that was chosen last; "auto" is what the system prefers. */
export function showTheme(): void {
  document.documentElement.dataset["theme"] = lasting.recall("theme") ?? "auto";
}

/** Lets the radio buttons choose. */
export function offerThemes(): void {
  const current = lasting.recall("theme") ?? "auto";
  for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="theme"]')) {
    radio.checked = radio.value === current;
    radio.addEventListener("change", () => {
      lasting.keep("theme", radio.value === "auto" ? "" : radio.value);
      showTheme();
    });
  }
}
