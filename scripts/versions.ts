/**
 * Compares the versions that the project uses with the newest on npm, and renews them:
 * `deno task versions --help`.
 *
 * @module
 */
import { type PinnedRelease, releases } from "../tests/runtimes/versions.ts";
import { fail, readArguments } from "./arguments.ts";
import { exists, run } from "./npm/command.ts";
import { isNewer, newestOf } from "./newest_version.ts";
import { COPIES, replaceVersions } from "./version_copies.ts";

const ROOT = new URL("../", import.meta.url);
const LIST = new URL("tests/runtimes/versions.json", ROOT);
/** Questions to the registry at the same time. */
const AT_ONCE = 4;

const { has } = readArguments({
  help: `deno task versions [--renew]

Prints the releases of tests/runtimes/versions.json that are not the newest on npm, and ends with 1 if
there is one. Releases with a reason in \`held\` stay as they are. So do those with \`sha256\`: compare
the new binary by hand, then change both.

  --renew  writes the newest versions to the list, to package.json and to other copies, and installs
           them. Then run \`deno task test\``,
  flags: ["--renew"],
});
if (!await exists("npm")) fail("Cannot ask for the newest versions: needs npm");

const behind = (await Promise.all(lanes(Object.entries(releases), AT_ONCE, outdated))).flat();
const stays = ({ held, sha256 }: PinnedRelease) =>
  held ?? (sha256 && "compare the checksums by hand");
for (const { name, newest, release } of behind) {
  const reason = stays(release);
  console.log(`${name} ${release.version} → ${newest}${reason ? `, held: ${reason}` : ""}`);
}
const renewed = new Map(
  behind.filter(({ release }) => !stays(release)).map(({ name, newest }) => [name, newest]),
);
if (behind.length === 0) console.log("All releases are the newest");
if (!has("--renew")) Deno.exit(renewed.size > 0 ? 1 : 0);

await rewrite(LIST, (text) => {
  for (const [name, version] of renewed) {
    text = text.replace(
      new RegExp(`("${RegExp.escape(name)}": \\{[^}]*"version": ")[^"]*`),
      `$1${version}`,
    );
  }
  return text;
});
for (const path of COPIES) {
  await rewrite(
    new URL(path, ROOT),
    (text) => replaceVersions(text, ({ name, version }) => renewed.get(name) ?? version),
  );
}
await run(Deno.execPath(), ["install", "--node-modules-dir=auto"], { cwd: ROOT, timeout: 300_000 });

interface Outdated {
  readonly name: string;
  readonly release: PinnedRelease;
  readonly newest: string;
}

/** Asks npm for the newest version of a release. */
async function outdated([name, release]: [string, PinnedRelease]): Promise<Outdated[]> {
  const { package: on = name, version, within } = release;
  const range = within === undefined ? "" : `@^${within}`;
  const newest = newestOf(JSON.parse(await run("npm", ["view", on + range, "version", "--json"])));
  return isNewer(newest, version) ? [{ name, release, newest }] : [];
}

/** Runs a function for each item, a few at a time. Returns a promise for each result. */
function lanes<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R>[] {
  const ends: Promise<unknown>[] = [];
  return items.map((item, i) => {
    const result = (ends[i - atOnce] ?? Promise.resolve()).then(() => work(item));
    ends.push(result);
    return result;
  });
}

async function rewrite(file: URL, change: (text: string) => string): Promise<void> {
  const text = await Deno.readTextFile(file), changed = change(text);
  if (changed !== text) await Deno.writeTextFile(file, changed);
}
