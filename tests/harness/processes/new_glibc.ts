const CACHE = new URL("../../../.cache/", import.meta.url);
/** Least glibc 2 that programs with new libraries need. */
const LEAST_MINOR = 38;
/**
 * Libraries of Debian 13, by their place in Debian's archive. A mirror may drop a file once a newer
 * one replaces the file: then take the newer one.
 */
const PACKAGES = [
  [
    "glibc/libc6_2.41-12+deb13u5_amd64.deb",
    "b59b0625cd1a791375d40dab23a4d5d3d0641e3d0a773501becdc3725b7f99cf",
  ],
  [
    "gcc-14/libstdc++6_14.2.0-19_amd64.deb",
    "ab1fa05837aa7a92aae748fd07a18a35f7d18bb4a71c4724fe2bbf0e32089de0",
  ],
  [
    "gcc-14/libgcc-s1_14.2.0-19_amd64.deb",
    "3c71917b490d1a17aed43196a2787a256ecf060526cdb20216a74bedc061b150",
  ],
] as const;

let prefix: Promise<readonly string[] | undefined> | undefined;

/**
 * Returns the words to put before the command of a program that needs glibc 2.38. There are none if
 * the system's glibc is new enough. On an older Debian, the loader of Debian 13 runs the program with
 * libraries in `.cache/`.
 *
 * @returns `undefined` if the libraries are not available.
 */
export function newGlibc(): Promise<readonly string[] | undefined> {
  return prefix ??= find().catch((error) => {
    console.error(`Could not fetch a newer glibc: ${(error as Error).message}`);
    return undefined;
  });
}

async function find(): Promise<readonly string[]> {
  const version = await run("getconf", "GNU_LIBC_VERSION");
  if (Number(/^glibc 2\.(\d+)/.exec(version)?.[1]) >= LEAST_MINOR) return [];
  const folder = new URL("debian-13-libraries/", CACHE);
  const isThere = await Deno.stat(folder).then(() => true, () => false);
  if (!isThere) await unpackInto(folder);
  const libraries = new URL("usr/lib/x86_64-linux-gnu/", folder).pathname;
  return [`${libraries}ld-linux-x86-64.so.2`, "--library-path", libraries];
}

/** Fetches and unpacks the packages. The folder exists only once it is complete. */
async function unpackInto(folder: URL): Promise<void> {
  const archive = await debianArchive();
  await Deno.mkdir(CACHE, { recursive: true });
  const work = await Deno.makeTempDir({ dir: CACHE.pathname, prefix: "debian-13-" });
  try {
    for (const [path, sha256] of PACKAGES) {
      const file = `${work}/package.deb`;
      const source = `${archive}/pool/main/g/${path}`;
      await run("/usr/lib/apt/apt-helper", "download-file", source, file, `SHA256:${sha256}`);
      await run("dpkg-deb", "-x", file, `${work}/root`);
      await Deno.remove(file);
    }
    // Another process may have been faster.
    await Deno.rename(`${work}/root`, folder).catch(() => Deno.stat(folder));
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Returns the address from which apt installs the packages of this Debian. */
async function debianArchive(): Promise<string> {
  const system = await Deno.readTextFile("/etc/os-release");
  const release = /^VERSION_CODENAME=(\w+)$/m.exec(system)?.[1];
  const sources = await run("apt-get", "indextargets", "--format", "$(RELEASE) $(SITE)");
  const site = sources.split("\n").map((line) => line.split(" ")).find(([of]) => of === release);
  if (!/^ID=debian$/m.test(system) || !site) throw new Error("The system is not a Debian");
  return site[1]!;
}

async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}
