import { readRecords } from "./record.ts";

/** The result of one run of the fault suite on one runtime. */
export interface FaultRecord {
  readonly title: string;
  readonly cases: number;
  readonly passed: number;
  readonly failed: readonly string[];
  readonly gaps: readonly { readonly id: string; readonly reason: string; readonly link: string }[];
  /** Whether the black-hole cases were run. */
  readonly blackHoles: boolean;
  /** Measurements of the cases in bytes and milliseconds, by the id of the case. */
  readonly figures: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Renders the last recorded runs. */
export async function faultsSection(): Promise<string> {
  const records = Object.values(await readRecords<FaultRecord>("faults"));
  if (records.length === 0) return "Not measured yet: `deno task faults --record`.\n";
  return [
    table(["runtime", "faults survived", "gaps"], records.map(summary)),
    "10,000 clients connect and disconnect. The first figure of each pair is measured after 4,000 clients:",
    table(["runtime", "took", "resident", "heap", "open files"], records.map(churn)),
    "The next table shows the time from SIGTERM to an exit with 0, for a server under load and with 200 ms of " +
    "jitter. The other columns show the peak growth of memory, and the bound from the limits:",
    "- pending hooks: 20 clients send to hooks that never settle\n" +
    "- never read: 20 clients never read\n" +
    "- fragments: 20 clients send empty fragments\n" +
    "- slow readers: 10 clients read one byte a second",
    table(
      ["runtime", "exit 0 after", "pending hooks", "never read", "fragments", "slow readers"],
      records.map(strain),
    ),
    gapList(records),
  ].join("\n\n").trim() + "\n";
}

function summary({ title, cases, passed, failed, gaps, blackHoles }: FaultRecord): string[] {
  const notes = [...failed.map((id) => `**failed: ${id}**`), ...gaps.map(({ id }) => `\`${id}\``)];
  const scope = blackHoles ? "" : " (no black holes)";
  return [title, `${passed} of ${cases}${scope}`, notes.join(", ") || "–"];
}

function churn({ title, figures }: FaultRecord): string[] {
  const of = figures["churn.connects"];
  if (!of) return [title, "–", "–", "–", "–"];
  return [
    title,
    `${(of.ms! / 1000).toFixed(1)} s`,
    `${mib(of.residentBefore)} → ${mib(of.residentAfter)} MiB`,
    `${mib(of.heapBefore)} → ${mib(of.heapAfter)} MiB`,
    `${of.filesBefore} → ${of.filesAfter}`,
  ];
}

function strain({ title, figures }: FaultRecord): string[] {
  const growth = (...ids: string[]) => {
    const found = ids.map((id) => figures[id]).filter((it) => it !== undefined);
    const worst = found.sort((a, b) => b.growth! - a.growth!)[0];
    return worst ? `${mib(Math.max(0, worst.growth!))} of ${mib(worst.bound)} MiB` : "–";
  };
  const exit = figures["shutdown.restart"];
  return [
    title,
    exit ? `${exit.ms} ms` : "–",
    growth("pressure.pending-hooks"),
    growth("pressure.never-read"),
    growth("pressure.tiny-fragments", "pressure.empty-fragments"),
    growth("slow.byte-a-second"),
  ];
}

/** Lists each reason once. */
function gapList(records: readonly FaultRecord[]): string {
  const lines = records.flatMap(({ gaps }) =>
    gaps.map(({ id, reason, link }) => `- \`${id}\`: [${reason}](${link})`)
  );
  return [...new Set(lines)].join("\n");
}

function mib(bytes = 0): string {
  return (bytes / 1024 / 1024).toFixed(0);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
