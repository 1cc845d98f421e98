/** What a command takes. */
export interface Usage {
  /** What `--help` prints. */
  readonly help: string;
  /** Flags, with their dashes. */
  readonly flags?: readonly string[];
  /** Options that have a value, with their dashes: `--case` for `--case=ID`. */
  readonly options?: readonly string[];
}

/** What a command was given. */
export interface Arguments {
  /** All that has no dashes. */
  readonly names: readonly string[];
  has(flag: string): boolean;
  /** The value of an option; `undefined` where it was not given. */
  value(option: string): string | undefined;
}

/** Reads the command line; ends the process where help is wanted, or needed. */
export function readArguments({ help, flags = [], options = [] }: Usage): Arguments {
  if (Deno.args.includes("--help")) {
    console.log(help);
    Deno.exit(0);
  }
  const given = new Map<string, string>(), names: string[] = [];
  for (const arg of Deno.args) {
    const [, name = "", value] = /^(--[^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
    const isKnown = value === undefined ? flags.includes(name) : options.includes(name);
    if (!arg.startsWith("--")) names.push(arg);
    else if (isKnown && value !== "") given.set(name, value ?? "");
    else fail(`Cannot understand ${arg}\n\n${help}`);
  }
  return { names, has: (flag) => given.has(flag), value: (option) => given.get(option) };
}

/** Those that are named, a common beginning of names included; all where none is. */
export function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  names: readonly string[],
): readonly T[] {
  const unknown = names.filter((name) => !all.some((it) => it.name.startsWith(name)));
  if (unknown.length > 0) {
    fail(`No runtime ${unknown.join(", ")}: known are ${all.map(({ name }) => name).join(", ")}`);
  }
  return all.filter((it) => names.length === 0 || names.some((name) => it.name.startsWith(name)));
}

/**
 * Those whose id begins with `start`, all where that is left out: `C1` is that clause alone, and a
 * star at the end changes nothing.
 */
export function beginning<T extends { readonly id: string }>(
  all: readonly T[],
  start: string | undefined,
): readonly T[] {
  if (start === undefined) return all;
  const prefix = start.replace(/\*$/, "").replace(/^([A-Z]\d+)$/, "$1.");
  const found = all.filter(({ id }) => id.startsWith(prefix));
  if (found.length > 0) return found;
  const known = [...new Set(all.map(({ id }) => id.split(".")[0]!))];
  fail(`No case begins with ${prefix}: known are ${known.map((it) => `${it}.`).join(" ")}`);
}

/** Ends the process with a word of why. */
export function fail(message: string): never {
  console.error(message);
  Deno.exit(2);
}
