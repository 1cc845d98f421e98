/**
 * Builds the package for npm in `npm/`, packs it, and checks the tarball: `deno task build:npm`.
 *
 * @module
 */
import { npmChecks } from "./npm/checks.ts";
import { ROOT } from "./npm/config.ts";
import { NpmPackage } from "./npm/package.ts";

const start = performance.now();
const say = (line: string) =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s  ${line}`);

await using built = await NpmPackage.build(new URL("npm/", ROOT));
say(`built ${built.report.filename}`);
const checks = await npmChecks();
let failed = 0;
for (const { name, missing, run } of checks) {
  if (missing) {
    say(`– NOT RUN, needs ${missing}: ${name}`);
    continue;
  }
  try {
    const seen = await run(built);
    say(`✓ ${name}${seen ? `: ${seen}` : ""}`);
  } catch (error) {
    failed++;
    say(`✗ ${name}\n${(error as Error).message}`);
  }
}
if (failed > 0) console.error(`${failed} of ${checks.length} checks failed`);
Deno.exitCode = failed > 0 ? 1 : 0;
