/**
 * Writes `docs/compatibility.md` from the reports of the contract suite and the protocol battery.
 * With `--check`, writes nothing and reports whether the page is up to date.
 *
 * @module
 */
import { readReport } from "../tests/harness/report.ts";
import type { RowOutcome } from "../tests/protocol/battery.ts";
import type { Outcome } from "../tests/harness/suite.ts";
import { fail } from "./arguments.ts";
import { contractSection } from "./contract_table.ts";
import { protocolSection } from "./protocol_table.ts";

const PATH = new URL("../docs/compatibility.md", import.meta.url);

const report = await readReport<Outcome>("conformance");
const protocol = await readReport<RowOutcome>("protocol");
const failed = [...report.runtimes, ...protocol.runtimes].flatMap(({ title, outcomes }) => {
  const mine: readonly (Outcome | RowOutcome)[] = outcomes;
  return mine.filter(({ status }) => status === "failed").map(({ id }) => `${title}: ${id}`);
});
if (failed.length > 0) fail(`The page must not show failed cases:\n${failed.join("\n")}`);
const contractPage = await Deno.readTextFile(new URL("contract.md", PATH));
const count = Math.max(...report.runtimes.map(({ outcomes }) => outcomes.length));
const page = `# Compatibility

\`deno task table\` generates this page from the reports of two suites. The first suite runs the
[contract](contract.md): ${count} cases on every runtime, each runtime in a process of its own.

| Mark | Meaning |
| :-: | --- |
| ✓ | Every case of the clause passed. |
| ◐ | Some cases are gaps; the list below the table explains them. |
| – | Every case is a gap. |

A gap is a case that the runtime makes impossible. The suite also runs each gap, and the gap must
fail. So a gap leaves this page once the runtime improves.

${contractSection(report, contractPage)}

${protocolSection(protocol)}`;

if (Deno.args.includes("--check")) {
  const current = await Deno.readTextFile(PATH).catch(() => "");
  if (current !== page) {
    console.error("docs/compatibility.md is stale: run `deno task table`");
    Deno.exit(1);
  }
  console.log("docs/compatibility.md is up to date");
} else {
  await Deno.writeTextFile(PATH, page);
  console.log("docs/compatibility.md is written");
}
