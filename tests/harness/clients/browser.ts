/// <reference lib="dom" />
import { type Browser, chromium } from "playwright-core";

/** Chromium on this machine. Where there is none, the tests that need it say so aloud. */
export const executablePath: string | undefined = findBrowser();

/** Starts it. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: executablePath!,
    chromiumSandbox: false,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A test in a browser. Without one it is skipped. */
export function browserTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !executablePath, fn });
}

/** Says once for a file that it is not run. */
export function sayIfSkipped(what: string): void {
  if (executablePath) return;
  const why = "there is no Chromium: install one, or say in CHROMIUM where it is";
  console.log(
    `\n${"=".repeat(80)}\nSKIPPED: ${what} is not tested, as ${why}\n${"=".repeat(80)}\n`,
  );
  // A quiet run hides what a file prints, but not the name of a test.
  Deno.test.ignore(`${what}: SKIPPED, as ${why}`, () => {});
}

function findBrowser(): string | undefined {
  const places = [
    Deno.env.get("CHROMIUM"),
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ];
  return places.find((place) => {
    try {
      return place !== undefined && Deno.statSync(place).isFile;
    } catch {
      return false;
    }
  });
}
