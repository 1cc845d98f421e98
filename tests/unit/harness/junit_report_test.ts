import assert from "node:assert/strict";
import { countTests, mergeReports, readPart } from "../../harness/gate/junit_report.ts";

const ENDED = { code: 0, output: "" };
const FAILED = { code: 1, output: "last words" };

/** Returns a report as `deno test --junit-path` writes it. */
function report(...testcases: string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="${testcases.length}">
<testsuite name="./tests/x_test.ts">${testcases.join("\n")}</testsuite>
</testsuites>
`;
}

const PASSED = `<testcase name="passes" time="0.1"></testcase>`;
const BROKEN =
  `<testcase name="a &lt; b"><failure message="no">AssertionError: 1 &amp; 2</failure></testcase>`;
const SKIPPED = `<testcase name="is skipped"><skipped/></testcase>`;

Deno.test("readPart() counts the tests of a report by result", () => {
  const { passed, failed, skipped, failures } = readPart(
    "part",
    report(PASSED, PASSED, BROKEN, SKIPPED),
    FAILED,
  );
  assert.deepEqual([passed, failed, skipped], [2, 1, 1]);
  assert.deepEqual(failures, [{ name: "a < b", text: "AssertionError: 1 & 2" }]);
});

for (
  const [what, text, end, reason] of [
    ["that left no report", undefined, FAILED, /code 1, and left no complete report/],
    [
      "whose report breaks off",
      report(PASSED).replace("</testsuites>", ""),
      ENDED,
      /no complete report/,
    ],
    ["without tests", report(), ENDED, /no test/],
    ["that crashed after its tests passed", report(PASSED), FAILED, /ended with code 1/],
    ["that was killed", report(PASSED), { ...ENDED, killed: "after 240 s" }, /after 240 s/],
  ] as const
) {
  Deno.test(`readPart() counts a part ${what} as a failed test`, () => {
    const part = readPart("part", text, end);
    assert.equal(part.failed, 1);
    assert.equal(part.failures.length, 1);
    assert.match(part.failures[0]!.text, reason);
    assert.ok(part.failures[0]!.text.endsWith(end.output));
    assert.equal(countTests(part.suites).failed, 1);
  });
}

Deno.test("mergeReports() keeps every test of every part, including a crash", () => {
  const merged = mergeReports([
    readPart("one", report(PASSED, SKIPPED), ENDED),
    readPart("two", report(PASSED, BROKEN), FAILED),
    readPart("three", undefined, { code: 139, output: "<Segmentation & fault>\x1b" }),
  ]);
  assert.deepEqual(countTests(merged), { passed: 2, failed: 2, skipped: 1 });
  assert.match(merged, /<testsuites [^>]*tests="5" failures="2">/);
  assert.match(merged, /&lt;Segmentation &amp; fault&gt;<\/failure>/);
});
