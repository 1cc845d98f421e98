/// <reference lib="dom" />
import { type Browser, chromium } from "playwright-core";

/** Path of Chromium on this machine. Without one, tests in a browser are skipped with a notice. */
export const executablePath: string | undefined = findBrowser();

/** Starts Chromium. */
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

/** Registers a test in a browser, which is skipped without Chromium. */
export function browserTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !executablePath, fn });
}

/** Prints once for a test file that its browser tests are skipped. */
export function sayIfSkipped(what: string): void {
  if (executablePath) return;
  const why = "Chromium is missing: install it, or set CHROMIUM to its path";
  console.log(
    `\n${"=".repeat(80)}\nSKIPPED: ${what} is not tested, as ${why}\n${"=".repeat(80)}\n`,
  );
  // A quiet run hides the output of a file, but not the name of a test.
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
