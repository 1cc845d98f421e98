import type { Check } from "./check.ts";
import { runtimeChecks } from "./runtime_checks.ts";
import { npmRuntimes } from "./runtimes.ts";
import { tarballChecks } from "./tarball_checks.ts";
import { typeChecks } from "./type_checks.ts";

/** All checks, for the runtimes that this machine has or can fetch. */
export async function npmChecks(): Promise<readonly Check[]> {
  return [...tarballChecks, ...typeChecks, ...(await npmRuntimes()).flatMap(runtimeChecks)];
}
