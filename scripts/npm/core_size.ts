import { gzipSync } from "node:zlib";
import { build, stop } from "esbuild";

/** What the core costs whoever bundles it. */
export interface CoreSize {
  /** Minified, gzipped bytes. */
  readonly gzipped: number;
  /** Minified bytes by file, the largest first. */
  readonly files: readonly (readonly [file: string, bytes: number])[];
}

/** Bundles and minifies a module of the package with all that it imports. */
export async function coreSize(entry: URL): Promise<CoreSize> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry.pathname],
    absWorkingDir: new URL("./", entry).pathname,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
  });
  await stop(); // its child process would keep ours alive
  const [output] = Object.values(metafile.outputs);
  const files = Object.entries(output!.inputs)
    .map(([file, { bytesInOutput }]) => [file, bytesInOutput] as const)
    .sort(([, a], [, b]) => b - a);
  return { gzipped: gzipSync(outputFiles[0]!.contents).byteLength, files };
}
