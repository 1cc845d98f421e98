/**
 * Writes `docs/compatibility.md` from the reports of the contract suite and the protocol battery; with
 * `--check` only tells whether it is up to date.
 *
 * @module
 */
import { readReport, type Report } from "../tests/harness/report.ts";
import type { RowOutcome } from "../tests/protocol/battery.ts";
import type { Outcome } from "../tests/harness/suite.ts";
import { protocolSection } from "./protocol_table.ts";

/** A row of the table: what a user looks for, and the cases that prove it, by the start of their ids. */
interface Row {
  readonly feature: string;
  readonly cases: readonly string[];
}

/** Why a runtime does not hold some facts. */
interface Note {
  readonly reason: string;
  readonly link: string;
  readonly facts: string[];
}

const MEMBERS: readonly Row[] = [
  { feature: "`send()`", cases: ["S1.", "S2.", "S3.", "S4.", "S5.", "S6."] },
  { feature: "`publish()` / `subscribe()`", cases: ["P"] },
  { feature: "`close()`", cases: ["X1.", "X2.", "X3.", "X5."] },
  { feature: "`terminate()`", cases: ["X4."] },
  { feature: "`ping()`", cases: ["S7."] },
  { feature: "`request`", cases: ["I2."] },
  { feature: "`remoteAddress`", cases: ["I3."] },
  { feature: "`context`", cases: ["I4.", "C11."] },
  { feature: "`websocket.url`", cases: ["I6.url"] },
  { feature: "`websocket.extensions`", cases: ["I6.extensions"] },
  { feature: "`websocket.protocol`", cases: ["I6.protocol", "C9."] },
  { feature: "`websocket.readyState`", cases: ["I6.readyState"] },
  { feature: "`websocket.binaryType`", cases: ["I6.binaryType"] },
  { feature: "`websocket.bufferedAmount`", cases: ["I6.bufferedAmount", "B1."] },
];

const GUARANTEES: readonly Row[] = [
  { feature: "Hooks start in order, frames wait for `open`", cases: ["C1.", "C2.", "C3."] },
  { feature: "Handshakes validated before any hook", cases: ["C4.", "C5."] },
  {
    feature: "`upgrade`: refuse, headers, context, leaving clients",
    cases: ["C6.", "C7.", "C8.", "C12."],
  },
  { feature: "Origin guard", cases: ["C10."] },
  {
    feature: "Identity, namespaces, inspection",
    cases: ["I1.", "I5.", "I6.own", "I6.extensible", "I7."],
  },
  { feature: "Backpressure: `drain`, `waitForDrain`, bounds", cases: ["B2.", "B3.", "B4."] },
  { feature: "Protocol errors: one `error`, then `close`", cases: ["X6."] },
  { feature: "Graceful shutdown", cases: ["X7.", "X8."] },
  { feature: "Failing hooks hurt nobody", cases: ["E"] },
  { feature: "Limits, alike everywhere", cases: ["L"] },
  { feature: "Messages keep type and bytes", cases: ["M"] },
  { feature: "Peers outlive what serves them (hibernation)", cases: ["H"] },
  { feature: "Adapters, shared endpoints, stats", cases: ["A"] },
];

const PATH = new URL("../docs/compatibility.md", import.meta.url);

const contract = render(await readReport<Outcome>("conformance"));
const page = `${contract}\n${protocolSection(await readReport<RowOutcome>("protocol"))}`;
if (Deno.args.includes("--check")) {
  const current = await Deno.readTextFile(PATH).catch(() => "");
  if (current !== page) {
    console.error("docs/compatibility.md is stale: run `deno task table`");
    Deno.exit(1);
  }
  console.log("docs/compatibility.md is up to date");
} else {
  await Deno.mkdir(new URL("./", PATH), { recursive: true });
  await Deno.writeTextFile(PATH, page);
  console.log("docs/compatibility.md is written");
}

function render({ runtimes }: Report<Outcome>): string {
  const notes: Note[] = [];
  const counts = runtimes.map(({ outcomes }) => outcomes.length);
  const covered = [...MEMBERS, ...GUARANTEES].flatMap(({ cases }) => cases);
  for (const { id } of runtimes.flatMap(({ outcomes }) => outcomes)) {
    if (!covered.some((start) => id.startsWith(start))) throw new Error(`no row shows ${id}`);
  }
  const table = (first: string, rows: readonly Row[]) =>
    [
      `| ${first} | ${runtimes.map(({ title }) => title).join(" | ")} |`,
      `| --- |${runtimes.map(() => " :-: |").join("")}`,
      ...rows.map((row) => {
        const cells = runtimes.map(({ outcomes }) => cell(row, outcomes, notes));
        return `| ${row.feature} | ${cells.join(" | ")} |`;
      }),
    ].join("\n");
  const members = table("`peer.…`", MEMBERS), guarantees = table("Guarantee", GUARANTEES);
  return `# Compatibility

This page is generated from the reports of two suites. The first is the contract: ${
    Math.max(...counts)
  } cases, each
executed against every runtime below, in a real process of its own. ✓ means that every case of the
row passed, ◐ all but those of the numbered gaps, – none. A gap is something the runtime physically
cannot do. It is run too and must fail, so that it disappears from here as soon as the runtime learns it.

${members}

${guarantees}

${
    notes.length > 0
      ? `## Gaps\n\n${
        notes.map(({ reason, link, facts }, index) =>
          `${index + 1}. ${reason} ([source](${link})). Not held: ${
            facts.map((it) => `“${it}”`).join(", ")
          }.`
        ).join("\n")
      }\n`
      : ""
  }`;
}

function cell({ cases }: Row, outcomes: readonly Outcome[], notes: Note[]): string {
  const mine = outcomes.filter(({ id }) => cases.some((start) => id.startsWith(start)));
  if (mine.length === 0) throw new Error(`no case for ${cases}`);
  if (mine.some(({ status }) => status === "failed")) return "✗";
  const marks = mine.filter(({ status }) => status === "gap").map((gap) => noteOf(gap, notes));
  if (marks.length === 0) return "✓";
  const sign = marks.length === mine.length ? "–" : "◐";
  return `${sign} <sup>${[...new Set(marks)].join(", ")}</sup>`;
}

/** Number of the note that gives a gap's reason; gaps of one reason share it. */
function noteOf({ fact, detail, link }: Outcome, notes: Note[]): number {
  let index = notes.findIndex(({ reason }) => reason === detail);
  if (index < 0) index = notes.push({ reason: detail!, link: link!, facts: [] }) - 1;
  const { facts } = notes[index]!;
  if (!facts.includes(fact)) facts.push(fact);
  return index + 1;
}
