import { readRecords } from "./record.ts";

/** What one run of the faults found on one runtime. */
export interface FaultRecord {
  readonly title: string;
  readonly cases: number;
  readonly passed: number;
  readonly failed: readonly string[];
  readonly gaps: readonly { readonly id: string; readonly reason: string; readonly link: string }[];
  /** Whether lines could be cut. */
  readonly blackHoles: boolean;
  /** What the cases measured, by their ids: bytes and milliseconds. */
  readonly figures: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Renders what the last recorded runs found. */
export async function faultsSection(): Promise<string> {
  const records = Object.values(await readRecords<FaultRecord>("faults"));
  if (records.length === 0) return "Not measured yet: `deno task faults --record`.\n";
  return [
    table(["runtime", "faults survived", "gaps"], records.map(summary)),
    "10,000 clients that come and go (before: after the first 4,000):",
    table(["runtime", "took", "resident", "heap", "open files"], records.map(churn)),
    "How soon a server under load exits with 0 after SIGTERM (with 200 ms of jitter); then by how much its " +
    "memory grew at most, of the bound that the limits set for so many clients: 20 that send to hooks which " +
    "never end, that never read, that send empty fragments; 10 that read a byte a second:",
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

/** Each reason once. */
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
