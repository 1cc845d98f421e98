import assert from "node:assert/strict";
import { bundleSize } from "./bundle_size.ts";
import type { Check } from "./check.ts";
import { run, tool } from "./command.ts";
import { ROOT } from "./config.ts";
import { filesBelow, renamed } from "./emit.ts";
import { NpmPackage } from "./package.ts";

const KIB = 1024;
const MAX_TARBALL = 216 * KIB;
const MAX_CORE = 17.5 * KIB;
const MAX_CLIENT = 5.875 * KIB;

/** Checks of the package's files. */
export const tarballChecks: readonly Check[] = [
  {
    name: "publint --strict reports no problem",
    run: async ({ tarball }) => void await run(tool("publint"), ["run", tarball, "--strict"]),
  },
  {
    name: "attw resolves the types of every entry point",
    run: async ({ tarball }) =>
      void await run(tool("attw"), [tarball, "--profile", "esm-only", "--no-color"]),
  },
  {
    name: `the tarball is no larger than ${MAX_TARBALL / KIB} KiB, and has README and licence`,
    run({ report }) {
      const paths = report.files.map(({ path }) => path);
      for (const file of ["README.md", "LICENSE"]) assert.ok(paths.includes(file), file);
      assert.ok(report.size <= MAX_TARBALL, `it has ${report.size} bytes`);
      return Promise.resolve(`${kib(report.size)}, ${paths.length} files`);
    },
  },
  {
    name: `the core is no larger than ${MAX_CORE / KIB} KiB, minified and gzipped`,
    async run({ folder, manifest }) {
      const entry = manifest.exports["."] as { readonly default: string };
      const { gzipped, files } = await bundleSize(new URL(entry.default, folder));
      const largest = files.map(([file, bytes]) => `${file} ${bytes}`).join(", ");
      assert.ok(gzipped <= MAX_CORE, `it has ${gzipped} bytes; before gzip: ${largest}`);
      return kib(gzipped);
    },
  },
  {
    name: `the client is no larger than ${MAX_CLIENT / KIB} KiB with its parser, minified and ` +
      "gzipped, and imports no module of the server",
    async run({ folder, manifest }) {
      const entry = manifest.exports["./websocket/sse"] as { readonly default: string };
      const { gzipped, files } = await bundleSize(new URL(entry.default, folder));
      for (const [file] of files) {
        assert.match(
          file,
          /^\w+\.js$|\/eventsource-parser\//,
          "the client must not import this module",
        );
      }
      assert.ok(
        files.some(([file]) => file.includes("eventsource-parser")),
        "the bundle lacks eventsource-parser",
      );
      assert.ok(gzipped <= MAX_CLIENT, `it has ${gzipped} bytes`);
      return kib(gzipped);
    },
  },
  {
    name: "every package that the code imports is declared",
    async run({ folder, manifest }) {
      const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
      for (const [path, text] of await texts(folder)) {
        if (path.endsWith(".md")) continue;
        const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, ""); // examples import too
        for (
          const [, used] of code.matchAll(
            /(?:from |import[ (])"((?:@[^/"]+\/)?[^"./:][^"/:]*)["/]/g,
          )
        ) {
          assert.ok(used! in declared, `${path} imports ${used}`);
        }
      }
    },
  },
  {
    name: "no file contains the name on JSR, or the path of the build",
    async run({ folder }) {
      for (const [path, text] of await texts(folder)) {
        assert.equal(text, renamed(text), path);
        assert.ok(!text.includes(ROOT.pathname), path);
      }
    },
  },
  {
    name: "a second build has the same bytes",
    async run({ report }) {
      await using again = await NpmPackage.build();
      assert.equal(again.report.integrity, report.integrity);
    },
  },
];

async function texts(folder: URL): Promise<[path: string, text: string][]> {
  const files = await Array.fromAsync(filesBelow(folder));
  return await Promise.all(
    files.map(async (file) => [file.pathname, await Deno.readTextFile(file)] as [string, string]),
  );
}

function kib(bytes: number): string {
  return `${(bytes / KIB).toFixed(1)} KiB`;
}
