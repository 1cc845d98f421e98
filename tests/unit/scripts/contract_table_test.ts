import assert from "node:assert/strict";
import { contractSection } from "../../../scripts/contract_table.ts";

const PAGE = "# P\n\n## C: Connecting\n\n### C1 Order\n\n### C2 Bounded inbox\n";
const outcome = (id: string, status: "passed" | "gap" | "failed", detail?: string) => {
  const base = { id, clause: id.split(".")[0]!, fact: id, status, ms: 1 };
  return detail ? { ...base, detail, link: "https://example.com/" } : base;
};
const REASON = "Runtimes cannot stop reading";
const report = {
  runtimes: ["deno", "worker", "sse-deno"].map((name) => ({
    name,
    title: name.toUpperCase(),
    outcomes: [
      outcome("C1.a", "passed"),
      outcome("C2.a", "gap", REASON),
      outcome("C2.b", "gap", REASON),
      outcome("C2.c", "passed"),
    ],
  })),
};

Deno.test("contractSection() explains a gap once, below its table", () => {
  const [sockets, events] = contractSection(report, PAGE).split("## Server-sent events");
  assert.equal(sockets!.split(REASON).length, 2);
  assert.equal(events!.split(REASON).length, 2);
  assert.match(
    sockets!,
    /^- C2 on DENO, WORKER: .* \(\[source\]\(https:\/\/example\.com\/\)\)\.$/m,
  );
});

Deno.test("contractSection() links each clause to its anchor on the contract page", () =>
  assert.match(
    contractSection(report, PAGE),
    /^\| \[C2 Bounded inbox\]\(contract\.md#c2-bounded-inbox\) \| ◐ \| ◐ \|$/m,
  ));

Deno.test("contractSection() rejects a case without a clause", () =>
  assert.throws(() => contractSection(report, "## C: Connecting\n"), /no clause for C1\.a/));

Deno.test("docs/compatibility.md has no line over 400 characters and no cell over 80", async () => {
  const page = await Deno.readTextFile(new URL("../../../docs/compatibility.md", import.meta.url));
  for (const line of page.split("\n")) {
    assert.ok(line.length <= 400, line);
    if (!line.startsWith("|")) continue;
    for (const cell of line.split("|")) assert.ok(cell.trim().length <= 80, cell);
  }
});
