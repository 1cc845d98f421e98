import { gzipSync } from "node:zlib";
import { build, stop } from "esbuild";
import { ROOT } from "./config.ts";

/** Size of a module in an application's bundle. */
export interface BundleSize {
  /** Minified, gzipped bytes. */
  readonly gzipped: number;
  /** Minified bytes by file, the largest first. */
  readonly files: readonly (readonly [file: string, bytes: number])[];
}

/** Bundles and minifies a module of the package with its imports. */
export async function bundleSize(entry: URL): Promise<BundleSize> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry.pathname],
    absWorkingDir: new URL("./", entry).pathname,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    nodePaths: [new URL("node_modules", ROOT).pathname],
  });
  await stop(); // the child process of esbuild would keep this process alive
  const [output] = Object.values(metafile.outputs);
  const files = Object.entries(output!.inputs)
    .map(([file, { bytesInOutput }]) => [file, bytesInOutput] as const)
    .sort(([, a], [, b]) => b - a);
  return { gzipped: gzipSync(outputFiles[0]!.contents).byteLength, files };
}
