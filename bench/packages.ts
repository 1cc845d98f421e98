import { versionOf } from "../tests/runtimes/versions.ts";

/** Folder of the built programs, and of the packages that onepeer is compared with. */
export const FOLDER: URL = new URL("../.cache/bench/", import.meta.url);

/** Versions of the packages that onepeer is compared with. The project does not depend on them. */
export const packages: Readonly<Record<string, string>> = Object.fromEntries(
  ([
    "@hono/node-server",
    "@redis/client",
    "crossws",
    "hono",
    "ioredis",
    "socket.io",
    "srvx",
    "ws",
  ] as const).map((name) => [name, versionOf(name)]),
);

/** Import map with the packages for Deno, which runs programs in place. */
export const DENO_CONFIG: URL = new URL("deno.json", FOLDER);

/** Installs the packages, unless they are installed. */
export async function installPackages(): Promise<void> {
  const wanted = JSON.stringify({ private: true, dependencies: packages }, null, 2);
  const place = new URL("package.json", FOLDER);
  const isThere = await Deno.stat(new URL("node_modules/", FOLDER)).then(() => true, () => false);
  if (isThere && await Deno.readTextFile(place).catch(() => "") === wanted) return;
  await Deno.mkdir(FOLDER, { recursive: true });
  await Deno.writeTextFile(place, wanted);
  await Deno.writeTextFile(DENO_CONFIG, JSON.stringify({ nodeModulesDir: "auto", imports }));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install"],
    cwd: FOLDER,
  }).output();
  if (success) return;
  await Deno.remove(place);
  throw new Error(
    `Cannot install the packages of bench/packages.ts: ${new TextDecoder().decode(stderr)}`,
  );
}

const imports = Object.fromEntries(
  Object.entries(packages).flatMap(([name, version]) => [
    [name, `npm:${name}@${version}`],
    [`${name}/`, `npm:/${name}@${version}/`],
  ]),
);
