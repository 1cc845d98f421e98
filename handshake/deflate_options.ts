import { invalidOption } from "../common/errors.ts";
import { checkNumber } from "../common/limits.ts";

type Range = readonly [least: number, most: number];

/** Options of permessage-deflate as `ws` 8 takes them: the numbers that each may be, or what else. */
const KINDS: Readonly<Record<string, Range | "boolean" | "object">> = {
  serverNoContextTakeover: "boolean",
  clientNoContextTakeover: "boolean",
  serverMaxWindowBits: [8, 15],
  clientMaxWindowBits: [8, 15],
  threshold: [0, Infinity],
  concurrencyLimit: [1, Infinity],
  zlibDeflateOptions: "object",
  zlibInflateOptions: "object",
};
/** What zlib has beside is its own to check. */
const ZLIB: typeof KINDS = { level: [-1, 9], memLevel: [1, 9], chunkSize: [64, Infinity] };

/**
 * Checks what a user wants of compression.
 *
 * @throws {TypeError} for an option that does not exist, or is of the wrong kind.
 * @throws {RangeError} for a number out of its range.
 */
export function checkDeflate(value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  const known = Object.keys(KINDS);
  if (typeof value !== "object" || value === null) {
    throw new TypeError(invalidOption("perMessageDeflate", "true, false or an object", value));
  }
  for (const [key, option] of Object.entries(value)) {
    const name = `perMessageDeflate.${key}`;
    if (!known.includes(key)) {
      throw new TypeError(
        `Cannot use ${name} as there is no such option: known are ${known.join(", ")}`,
      );
    }
    checkKind(name, option, KINDS[key]);
    if (KINDS[key] !== "object") continue;
    for (const [key, value] of Object.entries(option ?? {})) {
      checkKind(`${name}.${key}`, value, ZLIB[key]);
    }
  }
}

function checkKind(name: string, value: unknown, kind: Range | string | undefined): void {
  if (value === undefined || kind === undefined) return;
  if (typeof kind !== "string") return checkNumber(name, value, ...kind);
  if (typeof value === kind && value !== null) return;
  throw new TypeError(invalidOption(name, `of type ${kind}`, value));
}
