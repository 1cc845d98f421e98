/**
 * Installs the packages of `package.json` for tests and builds, unless `node_modules/` has them. All
 * tasks but `deno task demo` run this program first.
 *
 * @module
 */
const ROOT = new URL("../", import.meta.url);
/** Copy of the lock file from which the packages were installed. */
const INSTALLED = new URL("node_modules/.installed.lock", ROOT);

const lock = await Deno.readTextFile(new URL("deno.lock", ROOT));
if (await Deno.readTextFile(INSTALLED).catch(() => undefined) !== lock) {
  console.log("Installing the packages for tests and builds (130 MB)");
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--frozen", "--node-modules-dir=auto"],
    cwd: ROOT,
  }).output();
  if (code !== 0) {
    console.error(new TextDecoder().decode(stderr));
    Deno.exit(code);
  }
  await Deno.writeTextFile(INSTALLED, lock);
}
