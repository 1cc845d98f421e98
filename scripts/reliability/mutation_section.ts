import { areas } from "../../tests/mutation/planted/mod.ts";
import { readRecords } from "./record.ts";

/** The result of `deno task mutate` for one fault. */
export interface MutationRecord {
  readonly file: string;
  readonly what: string;
  /** Part of the tests that failed; left out if no test failed. */
  readonly by?: string;
  /** Name of the test that failed. */
  readonly test?: string;
  readonly how?: "failed" | "crashed" | "hung";
  /** Seconds until a test failed, including the check without the fault. */
  readonly seconds: number;
}

interface Row extends MutationRecord {
  readonly area: string;
}

/** Renders the planted faults, and the tests that caught them. */
export async function mutationSection(): Promise<string> {
  const records = await readRecords<MutationRecord>("mutation");
  const rows = Object.entries(areas).flatMap(([area, faults]) =>
    faults.flatMap(({ id, file, what }): Row[] =>
      records[id] ? [{ area, ...records[id], file, what }] : []
    )
  );
  if (rows.length === 0) return "Not recorded yet: `deno task mutate --record`.\n";
  const survivors = rows.filter(({ by }) => !by);
  const outcome = survivors.length === 0
    ? "A test fails for each fault"
    : `No test fails for ${survivors.length} faults`;
  return `\`deno task mutate\` plants ${rows.length} faults, one at a time, in a copy of the code. ${outcome}, and \
all tests pass without a fault.

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

/** Escapes bars, which end a cell, and angle brackets, which begin a tag. */
function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
