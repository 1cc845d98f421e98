/**
 * Prints the counts in the JUnit report of the last `deno task test`, as one plain line.
 *
 * @module
 */
import { countTests } from "../tests/harness/gate/junit_report.ts";

const path = new URL("../.cache/junit.xml", import.meta.url);
// A run that was interrupted leaves no report, and counts as one failure.
const report = await Deno.readTextFile(path).catch(() => undefined);
const { passed, failed, skipped } = report === undefined
  ? { passed: 0, failed: 1, skipped: 0 }
  : countTests(report);
console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`);
Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
