import type { NpmPackage } from "./package.ts";

/** A check of the package. */
export interface Check {
  /** The fact that the check proves. */
  readonly name: string;
  /** Program that the check needs and that this machine lacks. */
  readonly missing?: string;
  /** Rejects if the fact is false. May resolve to a detail, such as a size. */
  run(built: NpmPackage): Promise<string | void>;
}
