import type { RowOutcome } from "../tests/protocol/battery.ts";
import { sections } from "../tests/protocol/mod.ts";
import type { Section } from "../tests/protocol/row.ts";
import type { Report } from "../tests/harness/report.ts";

type Runtimes = Report<RowOutcome>["runtimes"];

const WORDS: Readonly<Record<RowOutcome["status"], string>> = {
  ok: "Ok",
  "non-strict": "Non-strict",
  gap: "Not held",
  failed: "**Failed**",
};

/** Renders the section of `docs/compatibility.md` about the protocol battery. */
export function protocolSection({ runtimes }: Report<RowOutcome>): string {
  const lines = sections.map((section) => {
    const cells = runtimes.map(({ outcomes }) => cell(section, outcomes));
    return `| ${section.title} | ${cells.join(" | ")} |`;
  });
  const notes = sections.flatMap((section) => {
    const found = notesOf(section, runtimes);
    return found.length > 0 ? [`### ${section.title}\n\n${found.join("\n")}`] : [];
  });
  const count = sections.reduce((sum, { rows }) => sum + rows.length, 0);
  return `## Protocol

The second suite runs RFC 6455 and RFC 7692 as ${count} exchanges over raw TCP. Short exchanges are
written twice: as a whole, and byte by byte. A cell shows how many of all results are strict. The
lists below explain the other results. _Non-strict_ is a harmless result, or a result that the RFC
allows. _Not held_ is a gap: the runtime breaks a rule. The suite fails once the runtime keeps the rule,
so the gap then leaves this page. To run one exchange: \`deno task protocol [runtime] --case=ID\`.

| Section | ${runtimes.map(({ title }) => title).join(" | ")} |
| --- |${" :-: |".repeat(runtimes.length)}
${lines.join("\n")}

${notes.join("\n\n")}
`;
}

function cell({ name }: Section, all: readonly RowOutcome[]): string {
  const outcomes = all.filter(({ section }) => section === name);
  if (outcomes.length === 0) return "–";
  return `${outcomes.filter(({ status }) => status === "ok").length}/${outcomes.length}`;
}

/** Renders a line for each reason and status, with the number of results on each runtime. */
function notesOf({ name }: Section, runtimes: Runtimes): string[] {
  const counts = new Map<string, Map<string, number>>();
  for (const { title, outcomes } of runtimes) {
    for (const { section, status, reason, link } of outcomes) {
      if (section !== name || status === "ok") continue;
      const why = reason ? `: ${reason}${link ? ` ([source](${link}))` : ""}` : "";
      const key = `${WORDS[status]}\n${why}`;
      const group = counts.get(key) ?? new Map<string, number>();
      counts.set(key, group.set(title, (group.get(title) ?? 0) + 1));
    }
  }
  return [...counts].map(([key, group]) => {
    const [word, why] = key.split("\n");
    const where = [...group].map(([title, count]) => `${title} (${count})`).join(", ");
    return `- ${word} on ${where}${why}.`;
  });
}
