import type { NpmPackage } from "./package.ts";

/** Something that must be true of the package. */
export interface Check {
  /** As a fact. */
  readonly name: string;
  /** What it needs and this machine has not; the check cannot run then. */
  readonly missing?: string;
  /** Rejects where it is not true; tells what it saw, where that is of interest. */
  run(built: NpmPackage): Promise<string | void>;
}
