/** Failure of one test. */
export interface TestFailure {
  readonly name: string;
  readonly text: string;
}

/** Numbers of tests by result. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Result of a part of the tests. */
export interface PartResult extends Counts {
  /** Elements `testsuite` of the part's JUnit report. */
  readonly suites: string;
  readonly failures: readonly TestFailure[];
}

/** End of a process that ran tests. */
export interface ProcessEnd {
  readonly code: number;
  /** Reason why the process was killed, if it was. */
  readonly killed?: string;
  /** Last lines that the process printed. */
  readonly output: string;
}

const TESTCASE = /<testcase\b([^>]*?)(?:\/>|>([^]*?)<\/testcase>)/g;
const FAILURE = /<(failure|error)\b[^>]*?(?:\/>|>([^]*?)<\/\1>)/;

/** Counts the tests of a JUnit report. A test with several failures counts as one. */
export function countTests(report: string): Counts {
  let passed = 0, failed = 0, skipped = 0;
  for (const [, , body = ""] of report.matchAll(TESTCASE)) {
    if (FAILURE.test(body)) failed++;
    else if (/<skipped\b/.test(body)) skipped++;
    else passed++;
  }
  return { passed, failed, skipped };
}

/**
 * Reads the report of a part. Adds a failed test for an incomplete report, and for a process that
 * failed without a failed test: a crash never counts as success.
 */
export function readPart(name: string, report: string | undefined, end: ProcessEnd): PartResult {
  const isWhole = report !== undefined && /<\/testsuites>\s*$/.test(report);
  const suites = isWhole
    ? report.slice(report.indexOf(">", report.indexOf("<testsuites")) + 1)
      .replace(/<\/testsuites>\s*$/, "").trim()
    : "";
  const failures = [...suites.matchAll(TESTCASE)].flatMap(([, attributes, body = ""]) => {
    const failure = FAILURE.exec(body);
    const test = unescaped(/\bname="([^"]*)"/.exec(attributes!)?.[1] ?? "");
    return failure ? [{ name: test, text: unescaped(failure[2] ?? failure[0]) }] : [];
  });
  const counts = countTests(suites);
  const crash = crashOf(isWhole, counts, end);
  if (crash === undefined) return { ...counts, suites, failures };
  const test = `${name}: the test process completes`;
  return {
    ...counts,
    failed: counts.failed + 1,
    suites: `${suites}\n${failedSuite(name, test, `${crash}\n${end.output}`)}`,
    failures: [...failures, { name: test, text: `${crash}\n${end.output}` }],
  };
}

function crashOf(isWhole: boolean, { passed, failed, skipped }: Counts, end: ProcessEnd) {
  if (end.killed) return end.killed;
  if (!isWhole) return `the process ended with code ${end.code}, and left no complete report`;
  if (passed + failed + skipped === 0) return "the report has no test";
  if (end.code !== 0 && failed === 0) return `the process ended with code ${end.code}`;
  return undefined;
}

/** Merges the reports of all parts. */
export function mergeReports(parts: readonly PartResult[]): string {
  const sum = (of: (part: PartResult) => number) => parts.reduce((all, part) => all + of(part), 0);
  const tests = sum(({ passed, failed, skipped }) => passed + failed + skipped);
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="${tests}" failures="${sum(({ failed }) => failed)}">
${parts.map(({ suites }) => suites).join("\n")}
</testsuites>
`;
}

function failedSuite(name: string, test: string, text: string): string {
  return `<testsuite name="${escaped(name)}" tests="1" failures="1"><testcase name="${
    escaped(test)
  }"><failure>${escaped(text)}</failure></testcase></testsuite>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function escaped(text: string): string {
  // XML 1.0 does not allow control characters.
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "").replaceAll(
    /[&<>"]/g,
    (it) => ENTITIES[it]!,
  );
}

function unescaped(text: string): string {
  return text.replaceAll(/<!\[CDATA\[([^]*?)\]\]>/g, "$1").replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&apos;", "'")
    .replaceAll(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll(/&#x([\da-f]+);/gi, (_, code) => String.fromCodePoint(parseInt(code, 16)))
    .replaceAll("&amp;", "&");
}
