import { areas } from "../../tests/mutation/faults/mod.ts";
import { readRecords } from "./record.ts";

/** What `deno task mutate` found of one fault. */
export interface MutationRecord {
  readonly file: string;
  readonly what: string;
  /** Which part of the tests noticed; left out where none did. */
  readonly by?: string;
  /** The name of the test that failed. */
  readonly test?: string;
  readonly how?: "failed" | "crashed" | "hung";
  /** Until it was caught, with the tests that were run to make sure. */
  readonly seconds: number;
}

interface Row extends MutationRecord {
  readonly area: string;
}

/** Planted bugs, and the tests that noticed them, as markdown. */
export async function mutationSection(): Promise<string> {
  const records = await readRecords<MutationRecord>("mutation");
  const rows = Object.entries(areas).flatMap(([area, faults]) =>
    faults.flatMap(({ id }): Row[] => records[id] ? [{ area, ...records[id] }] : [])
  );
  if (rows.length === 0) return "No faults have been planted yet: `deno task mutate`.\n";
  const survivors = rows.filter(({ by }) => !by);
  const outcome = survivors.length === 0
    ? "Each of them makes a test fail"
    : `${survivors.length} of them make no test fail`;
  return `${rows.length} faults are planted, one at a time, in a copy of the code. ${outcome}, and \
passes without it. \`deno task mutate\` does it again.

${summary(rows)}

<details>
<summary>All faults</summary>

${details(rows)}

</details>
`;
}

function summary(rows: readonly Row[]): string {
  const lines = Object.keys(areas).map((area) => {
    const own = rows.filter((row) => row.area === area);
    const caught = own.filter(({ by }) => by);
    const units = caught.filter(({ by }) => by!.startsWith("unit")).length;
    return [area, own.length, caught.length, units, caught.length - units];
  });
  return table(["Area", "Faults", "Caught", "by unit tests", "on a real runtime"], lines);
}

function details(rows: readonly Row[]): string {
  const lines = rows.map((row) => [`\`${row.file}\``, row.what, noticer(row), row.seconds]);
  return table(["File", "Fault", "Caught by", "s"], lines);
}

function noticer({ by, test, how }: MutationRecord): string {
  if (!by) return "**nothing**";
  const [kind, part] = by.split(" ");
  if (!test) return `${kind}: ${how}`;
  return kind === "unit" || kind === "test" ? `${part}: ${test}` : `${kind}: ${test.split(":")[0]}`;
}

function table(head: readonly string[], lines: readonly (readonly (string | number)[])[]): string {
  const row = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => escaped(String(cell))).join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...lines.map(row)].join("\n");
}

/** Bars would end a cell, and angle brackets be taken for tags. */
function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
