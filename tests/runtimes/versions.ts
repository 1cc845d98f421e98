import { npmBinary } from "../harness/processes/npm_binary.ts";
import list from "./versions.json" with { type: "json" };

/** Release of a runtime, tool or library that tests, builds and benchmarks use. */
export interface PinnedRelease {
  readonly version: string;
  /** Package on npm, if its name differs from the name in the list. */
  readonly package?: string;
  /** Major version to which the list keeps, if it has several of one package. */
  readonly within?: number;
  /** Reason why the list keeps a version that is not the newest. */
  readonly held?: string;
  /** Checksums of binaries that others than their authors publish, by file. A person renews them. */
  readonly sha256?: Readonly<Record<string, string>>;
}

/** Name of a release in the list. */
export type Pinned = keyof typeof list;

/**
 * All releases, by name. The file is the only place for versions: `deno task versions --renew`
 * renews it, and the copies that other tools read.
 */
export const releases: Readonly<Record<Pinned, PinnedRelease>> = list;

/** Returns the version of a release. */
export function versionOf(name: Pinned): string {
  return releases[name].version;
}

/** Fetches a file of a release that ships for one platform only, as `npmBinary()` does. */
export function pinnedBinary(name: Pinned, file: string): Promise<string | undefined> {
  const { package: on = name, version, sha256 } = releases[name];
  return npmBinary(on, version, file, sha256?.[file]);
}
