import assert from "node:assert/strict";
import { isNewer, newestOf } from "../../../scripts/newest_version.ts";
import {
  copiedVersions,
  COPIES,
  replaceVersions,
  versionsIn,
} from "../../../scripts/version_copies.ts";
import { type PinnedRelease, releases } from "../../runtimes/versions.ts";

const ROOT = new URL("../../../", import.meta.url);
const LIST = "tests/runtimes/versions.json";
/** Folders with installed or generated files, and with pages that tell what a run has used. */
const SKIPPED = [".git", ".cache", "npm", "docs"];
const versionOf = (name: string): string | undefined =>
  (releases as Readonly<Record<string, PinnedRelease>>)[name]?.version;

/** Returns the texts of all sources, by path. */
async function sources(folder = ""): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder || ".", ROOT))) {
    const path = folder + name;
    // The chat has installed packages too, if it has run.
    if (name === "node_modules" || SKIPPED.includes(path)) continue;
    if (isDirectory) { for (const file of await sources(`${path}/`)) found.set(...file); }
    else if (/\.(?:ts|js|jsonc?|md)$|^\.ci\//.test(path)) {
      found.set(path, await Deno.readTextFile(new URL(path, ROOT)));
    }
  }
  return found;
}

const texts = await sources();
const lines = (pins: readonly (readonly [string, string])[]) =>
  pins.map(([where, what]) => `${where}: ${what}`);

Deno.test("every copy of a version is the version of tests/runtimes/versions.json", () => {
  const wrong: [string, string][] = [];
  for (const path of COPIES) {
    for (const { name, version } of copiedVersions(texts.get(path)!)) {
      if (version !== versionOf(name)) wrong.push([path, `${name} ${version}`]);
    }
  }
  assert.deepEqual(lines(wrong), [], "run `deno task versions --renew`, or add a name to the list");
});

Deno.test("no other file than the list and its copies has the version of a package", () => {
  const found: [string, string][] = [];
  for (const [path, text] of texts) {
    if (path === LIST || COPIES.includes(path)) continue;
    for (const pin of versionsIn(text)) found.push([path, pin]);
  }
  assert.deepEqual(lines(found), [], `take the version from ${LIST}, by versionOf()`);
});

Deno.test("every release of the list is used", () => {
  const copied = COPIES.flatMap((path) => copiedVersions(texts.get(path)!).map(({ name }) => name));
  const code = [...texts].filter(([path]) => path.endsWith(".ts")).map(([, text]) => text).join();
  // Template: `node${major}`.
  const unused = Object.keys(releases).filter((name) =>
    !copied.includes(name) && !code.includes(`"${name}"`) && !/^node\d\d$/.test(name)
  );
  assert.deepEqual(unused, []);
});

const [OLD, NEW] = [[1, 2, 3], [1, 10, 0]].map((numbers) => numbers.join("."));

Deno.test("replaceVersions() finds members of JSON and words of commands, but no ranges", () => {
  const text = (version: string) =>
    `{ "version": "${OLD}", "ws": "${version}", "ws-1": "npm:ws@${version}",
    "@a/b": "npm:@a/b@${version}", "range": "npm:ws@^${OLD}", "least": ">=${OLD}" }
    npx -y deno@${version} task; deno@${version}. redis://me:secret@127.0.0.1:1`;
  const names: string[] = [];
  const replaced = replaceVersions(text(OLD!), ({ name, version }) => {
    assert.equal(version, OLD);
    names.push(name);
    return NEW!;
  });
  assert.equal(replaced, text(NEW!));
  assert.deepEqual(names, ["ws", "ws-1", "@a/b", "deno", "deno"]);
});

Deno.test("versionsIn() finds versions in strings and behind names, but no addresses", () => {
  assert.deepEqual(
    versionsIn(`"${OLD}" "npm:@a/b@${OLD}" \`v${OLD}-beta.1\` npx deno@${OLD}`),
    [`"${OLD}"`, `"npm:@a/b@${OLD}"`, `\`v${OLD}-beta.1\``, `o@${OLD}`],
  );
  assert.deepEqual(versionsIn(`"1.2.3.4" "^${OLD}" me@127.0.0.1 // RFC 6455 §7.1.5`), []);
});

Deno.test("newestOf() compares numbers, in any order of the versions", () => {
  assert.equal(newestOf([OLD!, NEW!, OLD!]), NEW);
  assert.equal(newestOf(OLD!), OLD);
  assert.ok(!isNewer(OLD!, OLD!));
  assert.ok(isNewer(`${OLD}-unofficial.1`, `${OLD}-unofficial.0`));
});
