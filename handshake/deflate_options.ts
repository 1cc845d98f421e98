import { invalidOption } from "../common/errors.ts";
import { checkNumber } from "../common/limits.ts";
import { checkNames } from "../common/option_names.ts";

type Range = readonly [least: number, most: number];

/** Options of permessage-deflate as in `ws` 8: the range of a number, or the type of the value. */
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
/** Options of zlib that are checked here. zlib checks its other options itself. */
const ZLIB: typeof KINDS = { level: [-1, 9], memLevel: [1, 9], chunkSize: [64, Infinity] };

/**
 * Checks the option `perMessageDeflate`.
 *
 * @throws {TypeError} for an option that does not exist, or has the wrong type.
 * @throws {RangeError} for a number out of range.
 */
export function checkDeflate(value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  if (typeof value !== "object" || value === null) {
    throw new TypeError(invalidOption("perMessageDeflate", "true, false or an object", value));
  }
  checkNames(value, Object.keys(KINDS), { path: "perMessageDeflate." });
  for (const [key, option] of Object.entries(value)) {
    const name = `perMessageDeflate.${key}`;
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
