/**
 * Prints what the JUnit report of the last `deno task test` counted, as one plain line.
 *
 * @module
 */
const path = new URL("../.cache/junit.xml", import.meta.url);
const report = await Deno.readTextFile(path);
const count = (tag: string) => report.match(new RegExp(`<${tag}\\b`, "g"))?.length ?? 0;
const failed = count("failure") + count("error"), skipped = count("skipped");
const passed = count("testcase") - failed - skipped;
console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`);
