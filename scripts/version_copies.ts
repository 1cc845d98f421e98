/** Files that repeat versions of `tests/runtimes/versions.json`, as other tools or people read them. */
export const COPIES: readonly string[] = [
  "package.json",
  "deno.json",
  "examples/chat/deno.json",
  ".ci/run",
  "README.md",
  "CONTRIBUTING.md",
];

/** Version in a copy. */
export interface Copied {
  /** Name of the release in the list. */
  readonly name: string;
  readonly version: string;
}

const VERSION = String.raw`\d+\.\d+\.\d+(?:-[\w.]+)?(?![\w.]*\d)`;
/** A member of JSON: `"name": "VERSION"`, or `"name": "npm:package@VERSION"`. */
const MEMBER = String.raw`"(?<member>[^"\s]+)": "(?:npm:(?:@[\w./-]+|[\w.-]+)@)?(?=\d)`;
/** A word of a command or text: `package@VERSION`. */
const WORD = String.raw`(?<![\w"@./:-])(?<word>(?:@[\w-]+/)?[\w-]+)@`;
const PIN = new RegExp(`(?<before>${MEMBER}|${WORD})(?<version>${VERSION})`, "g");
/** Members that have a version of something else: the package's own. */
const OTHERS: readonly string[] = ["version"];

/** Replaces every version in the text of a copy. */
export function replaceVersions(text: string, replace: (found: Copied) => string): string {
  return text.replaceAll(PIN, (...match) => {
    const { before, member, word, version } = match.at(-1) as Record<string, string>;
    const name = member ?? word!;
    return before + (OTHERS.includes(name) ? version! : replace({ name, version: version! }));
  });
}

/** Returns every version in the text of a copy. */
export function copiedVersions(text: string): Copied[] {
  const found: Copied[] = [];
  replaceVersions(text, (copied) => {
    found.push(copied);
    return copied.version;
  });
  return found;
}

/** A string that is a version or ends in one, and a package with its version in any text. */
const ANYWHERE = new RegExp(
  String.raw`["'\`](?:[^"'\`\s]*@)?v?(?:${VERSION})["'\`]|[\w-]@(?:${VERSION})(?!\.\d)`,
  "g",
);

/** Returns every text in a source that looks like the version of a package. */
export function versionsIn(source: string): string[] {
  return Array.from(source.matchAll(ANYWHERE), ([text]) => text);
}
