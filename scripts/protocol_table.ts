import type { RowOutcome } from "../tests/protocol/battery.ts";
import { sections } from "../tests/protocol/mod.ts";
import type { Section } from "../tests/protocol/row.ts";
import type { Report } from "../tests/harness/report.ts";

/** Why a runtime is not as strict as wanted, or fails. */
interface Note {
  readonly reason: string;
  readonly link: string | undefined;
}

/** The section of `docs/compatibility.md` about the protocol battery. */
export function protocolSection({ runtimes }: Report<RowOutcome>): string {
  const notes: Note[] = [];
  const lines = sections.map((section) => {
    const cells = runtimes.map(({ outcomes }) => cell(section, outcomes, notes));
    return `| ${section.title} | ${cells.join(" | ")} |`;
  });
  const count = sections.reduce((sum, { rows }) => sum + rows.length, 0);
  return `## Protocol

RFC 6455 and RFC 7692 as ${count} exchanges over raw TCP, short ones written at once and byte by
byte, with an echo that must keep text text and binary binary. _Non-strict_ is what an RFC allows by
its letter, or what harms nobody. _Not held_ is run too and must fail, so that it disappears from
here as soon as the runtime learns it. One exchange: \`deno task protocol [runtime] --case=ID\`.

| Section | ${runtimes.map(({ title }) => title).join(" | ")} |
| --- |${runtimes.map(() => " --- |").join("")}
${lines.join("\n")}

${notes.map(describe).join("\n")}
`;
}

function describe({ reason, link }: Note, index: number): string {
  return `${index + 1}. ${reason}${link ? ` ([source](${link}))` : ""}.`;
}

function cell({ name }: Section, all: readonly RowOutcome[], notes: Note[]): string {
  const outcomes = all.filter(({ section }) => section === name);
  if (outcomes.length === 0) return "–";
  const line = (status: RowOutcome["status"], word: string) => {
    const found = outcomes.filter((it) => it.status === status);
    if (found.length === 0) return [];
    const marks = [...new Set(found.flatMap((it) => numberOf(it, notes)))].sort((a, b) => a - b);
    return [`${found.length} ${word}${marks.length > 0 ? ` <sup>${marks.join(", ")}</sup>` : ""}`];
  };
  return [
    ...line("ok", "ok"),
    ...line("non-strict", "non-strict"),
    ...line("gap", "not held"),
    ...line("failed", "**failed**"),
  ].join("<br>");
}

/** Number of the note that gives a reason; outcomes of one reason share it. */
function numberOf({ reason, link }: RowOutcome, notes: Note[]): number[] {
  if (reason === undefined) return [];
  const index = notes.findIndex((note) => note.reason === reason);
  return [index < 0 ? notes.push({ reason, link }) : index + 1];
}
