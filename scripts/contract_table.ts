import type { Outcome } from "../tests/harness/suite.ts";
import type { Report } from "../tests/harness/report.ts";

type Runtimes = Report<Outcome>["runtimes"];

/** A clause of the contract, with the title from the contract's page. */
interface Clause {
  readonly id: string;
  readonly title: string;
}

/** Gaps of one letter that share their reason. */
interface GapGroup {
  readonly link: string | undefined;
  /** Clauses by the title of the runtime. */
  readonly clauses: Map<string, string[]>;
}

/** Renders the sections of `docs/compatibility.md` about the contract, from its page and the report. */
export function contractSection({ runtimes }: Report<Outcome>, contractPage: string): string {
  const isSse = ({ name }: Runtimes[number]) => name.startsWith("sse");
  const letters = lettersOf(contractPage);
  const known = new Set(letters.flatMap(({ clauses }) => clauses.map(({ id }) => id)));
  for (const { id, clause } of runtimes.flatMap(({ outcomes }) => outcomes)) {
    if (!known.has(clause)) throw new Error(`no clause for ${id} in docs/contract.md`);
  }
  const part = (title: string, some: Runtimes) =>
    some.length === 0 ? [] : [
      `## ${title}`,
      ...letters.flatMap((letter) => letterSection(letter.title, letter.clauses, some)),
    ];
  return [
    ...part("WebSocket runtimes", runtimes.filter((it) => !isSse(it))),
    ...part("Server-sent events", runtimes.filter(isSse)),
  ].join("\n\n");
}

function letterSection(title: string, clauses: readonly Clause[], runtimes: Runtimes): string[] {
  const shown = clauses.filter(({ id }) =>
    runtimes.some(({ outcomes }) => outcomes.some(({ clause }) => clause === id))
  );
  if (shown.length === 0) return [];
  const rows = shown.map((clause) =>
    `| ${linkTo(clause)} | ${runtimes.map((it) => mark(it.outcomes, clause.id)).join(" | ")} |`
  );
  const table = [
    `| Clause | ${runtimes.map(({ title }) => title).join(" | ")} |`,
    `| --- |${" :-: |".repeat(runtimes.length)}`,
    ...rows,
  ].join("\n");
  const gaps = gapLines(runtimes, new Set(shown.map(({ id }) => id)));
  return [`### ${title}`, table, ...gaps.length > 0 ? [gaps.join("\n")] : []];
}

function mark(all: readonly Outcome[], id: string): string {
  const mine = all.filter(({ clause }) => clause === id);
  if (mine.length === 0) return "";
  if (mine.some(({ status }) => status === "failed")) return "✗";
  const gaps = mine.filter(({ status }) => status === "gap").length;
  return gaps === 0 ? "✓" : gaps === mine.length ? "–" : "◐";
}

/** Renders a line for each reason. Runtimes with the same clauses share one list of clauses. */
function gapLines(runtimes: Runtimes, ids: ReadonlySet<string>): string[] {
  const groups = new Map<string, GapGroup>();
  for (const { title, outcomes } of runtimes) {
    for (const { status, clause, detail = "", link } of outcomes) {
      if (status !== "gap" || !ids.has(clause)) continue;
      const group = groups.get(detail) ?? { link, clauses: new Map<string, string[]>() };
      groups.set(detail, group);
      const list = group.clauses.get(title) ?? [];
      group.clauses.set(title, list.includes(clause) ? list : [...list, clause]);
    }
  }
  return [...groups].map(([reason, { link, clauses }]) => {
    const byClauses = new Map<string, string[]>();
    for (const [title, list] of clauses) {
      const key = list.join(", ");
      byClauses.set(key, [...byClauses.get(key) ?? [], title]);
    }
    const where = [...byClauses].map(([list, titles]) => `${list} on ${titles.join(", ")}`);
    return `- ${where.join("; ")}: ${reason}${link ? ` ([source](${link}))` : ""}.`;
  });
}

/** Returns the clauses under each `##` heading of the contract's page. */
function lettersOf(page: string): { readonly title: string; readonly clauses: Clause[] }[] {
  return page.split(/^## /m).slice(1).map((section) => ({
    title: section.split("\n")[0]!,
    clauses: [...section.matchAll(/^### (\S+) (.+)$/gm)].map(([, id, title]) => ({
      id: id!,
      title: title!,
    })),
  }));
}

function linkTo({ id, title }: Clause): string {
  const anchor = `${id} ${title}`.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-");
  return `[${id} ${title}](contract.md#${anchor})`;
}
