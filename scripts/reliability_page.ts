/**
 * Writes `docs/reliability.md` and its charts from what the last long runs recorded; with `--check`
 * only tells whether they are up to date.
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

Writes docs/reliability.md and its charts from the records of the long runs; with --check only tells
whether they are up to date.`,
  flags: ["--check"],
}).has("--check");

const page = `# Reliability

What is done to break this library, on every runtime of the
[compatibility table](compatibility.md), each in its real process. The figures are those of the last
recorded run of each command; this page is written from them by \`deno task reliability\`.

| | what | by one command | in every run of the tests |
| --- | --- | --- | --- |
| [Contract](compatibility.md) | what every call means, clause by clause | \`deno task conformance\` | all |
| [Protocol](compatibility.md#protocol) | RFC 6455 and 7692, section by section, over raw TCP | \`deno task protocol\` | all |
| [Fuzz](#fuzz) | mutated handshakes and frames, hooks that misbehave | \`deno task fuzz\` | 10 s per runtime, a new seed |
| [Faults](#faults) | clients that vanish, crawl or flood; shutdown under load | \`deno task faults\` | all |
| [Soak](#soak) | ten minutes of mixed load, every message counted | \`deno task soak\` | 30 s on one runtime |
| [Mutation](#mutation) | bugs planted on purpose: would the tests notice? | \`deno task mutate\` | – |

What the library defends against, and what it leaves to you: [SECURITY.md](../SECURITY.md).

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
      } is stale: run \`deno task reliability\``,
    );
    Deno.exit(1);
  }
}
console.log(`docs/reliability.md is ${isCheck ? "up to date" : "written"}`);
