/** The arguments that a command accepts. */
export interface Usage {
  /** Text that `--help` prints. */
  readonly help: string;
  /** Flags, with their dashes. */
  readonly flags?: readonly string[];
  /** Options that have a value, with their dashes: `--case` for `--case=ID`. */
  readonly options?: readonly string[];
}

/** The arguments that a command got. */
export interface Arguments {
  /** All arguments without dashes. */
  readonly names: readonly string[];
  has(flag: string): boolean;
  /** The value of an option; `undefined` if it is missing. */
  value(option: string): string | undefined;
}

/**
 * Reads the command line. Prints the help and ends the process for `--help` and for an unknown
 * argument.
 */
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
    else if (options.includes(arg)) fail(`${arg} needs a value: write ${arg}=VALUE, with \`=\``);
    else fail(`Unknown argument ${arg}\n\n${help}`);
  }
  return { names, has: (flag) => given.has(flag), value: (option) => given.get(option) };
}

/** Returns the items whose name begins with one of `names`; without `names`, all items. */
export function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  names: readonly string[],
): readonly T[] {
  const unknown = names.filter((name) => !all.some((it) => it.name.startsWith(name)));
  if (unknown.length > 0) {
    fail(`Unknown runtime ${unknown.join(", ")}. Known: ${all.map(({ name }) => name).join(", ")}`);
  }
  return all.filter((it) => names.length === 0 || names.some((name) => it.name.startsWith(name)));
}

/**
 * Returns the items whose id begins with `start`; without `start`, all items. `C1` selects the clause
 * C1 only, not C10. A star at the end of `start` is ignored.
 */
export function beginning<T extends { readonly id: string }>(
  all: readonly T[],
  start: string | undefined,
): readonly T[] {
  if (start === undefined) return all;
  const prefix = start.replace(/\*$/, "").replace(/^([A-Z]\d+)$/, "$1.");
  const found = all.filter(({ id }) => id.startsWith(prefix));
  if (found.length > 0) return found;
  const clause = prefix.replace(/\..*/, "."), ids = all.map(({ id }) => id);
  const ofClause = ids.filter((id) => id.startsWith(clause));
  const clauses = [...new Set(ids.map((id) => id.replace(/\..*/, ".")))]
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const known = ofClause.length > 0 ? ofClause : clauses;
  fail(`No case begins with ${prefix}. Known: ${known.join(" ")}`);
}

/** Prints a message, and ends the process with 2. */
export function fail(message: string): never {
  console.error(message);
  Deno.exit(2);
}
