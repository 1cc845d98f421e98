/**
 * Writes `docs/reliability.md` and its charts from the records of the last long runs. With `--check`,
 * writes nothing and checks whether both are up to date.
 *
 * @module
 */
import { readArguments } from "./arguments.ts";
import { faultsSection } from "./reliability/faults_section.ts";
import { fuzzSection } from "./reliability/fuzz_section.ts";
import { mutationSection } from "./reliability/mutation_section.ts";
import { FOLDER } from "./reliability/record.ts";
import { soakCharts, soakSection } from "./reliability/soak_section.ts";

const isCheck = readArguments({
  help: `deno task reliability

Writes docs/reliability.md and its charts from the records of the long runs.

  --check   writes nothing, and exits with 1 if the page or a chart is out of date`,
  flags: ["--check"],
}).has("--check");

const page = `# Reliability

This page shows the results of tests that try to break onepeer. The tests run against real processes
of the runtimes in the [compatibility table](compatibility.md). \`deno task reliability\` generates the
page from the last recorded run of each command.

| test | content | command | part of \`deno task test\` |
| --- | --- | --- | --- |
| [Contract](compatibility.md) | the meaning of every call, clause by clause | \`deno task conformance\` | all |
| [Protocol](compatibility.md#protocol) | RFC 6455 and RFC 7692 over raw TCP | \`deno task protocol\` | all |
| [Fuzz](#fuzz) | mutated handshakes and frames, hooks that misbehave | \`deno task fuzz\` | 10 s per runtime, with a new seed |
| [Faults](#faults) | clients that vanish, read slowly or flood; shutdown under load | \`deno task faults\` | all |
| [Soak](#soak) | ten minutes of mixed load, with every message counted | \`deno task soak\` | 30 s on one runtime |
| [Mutation](#mutation) | planted faults that tests must detect | \`deno task mutate\` | – |

[SECURITY.md](../SECURITY.md) lists the threats that onepeer prevents, and your own responsibility.

## Fuzz

${await fuzzSection()}

## Faults

${await faultsSection()}

## Soak

${await soakSection()}

## Mutation

${await mutationSection()}
`;

const PAGE = "../reliability.md";
const files = new Map([[PAGE, page], ...await soakCharts()]);
for (const [name, text] of files) {
  const file = new URL(name, FOLDER);
  if (!isCheck) await Deno.writeTextFile(file, text);
  else if (await Deno.readTextFile(file).catch(() => "") !== text) {
    console.error(
      `docs/${
        name === PAGE ? "reliability.md" : `reliability/${name}`
      } is out of date: run \`deno task reliability\``,
    );
    Deno.exit(1);
  }
}
console.log(isCheck ? "docs/reliability.md is up to date" : "Wrote docs/reliability.md");
