import { typeName } from "./errors.ts";

/** Words for the error of {@linkcode checkNames}. */
export interface NamesOfOptions {
  /** Noun for one name. Default: `"option"`. */
  readonly kind?: string;
  /** Path to the object: `"limits."`. Default: none. */
  readonly path?: string;
  /** Further advice at the end of the error. Default: none. */
  readonly advice?: string;
}

/**
 * Checks that an object of options has no unknown name. An option that is `undefined` counts as
 * absent, whatever its name.
 *
 * @throws {TypeError} for a value that is not an object, for an unknown name, and for a promise.
 */
export function checkNames(
  options: unknown,
  known: readonly string[],
  { kind = "option", path = "", advice = "" }: NamesOfOptions = {},
): void {
  const found = typeName(options).toLowerCase();
  // A promise has no properties, and would pass as an object without options.
  if (typeof options !== "object" || /^(?:null|array|promise)$/.test(found)) {
    const name = path ? `${path.slice(0, -1)} as it` : "the options as they";
    throw new TypeError(`Cannot use ${name} must be an object: found ${found}`);
  }
  const unknown = Object.keys(givenOptions(options!)).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(
    `Cannot use ${path}${unknown} as there is no such ${kind}: known are ${
      known.join(", ")
    }${advice}`,
  );
}

/**
 * Checks the options of a call, which may be absent, as {@linkcode checkNames} does. If all names are
 * known, the check of a name takes 20 ns.
 *
 * @throws {TypeError} for a value that is not an object, and for an unknown name.
 */
export function checkCallOptions(options: unknown, known: readonly string[]): void {
  let isKnown = options === undefined || (typeof options === "object" && options !== null);
  for (const name in options as object) isKnown &&= known.includes(name);
  if (!isKnown) checkNames(options, known);
}

/** Returns a copy of the options without those that are `undefined`. */
export function givenOptions<Options extends object>(options: Options): Options {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Options;
}
