import assert from "node:assert/strict";
import { cases } from "../cases/mod.ts";
import { sseCases } from "../cases/sse.ts";
import { sseHttp2 } from "../cases/sse_http2.ts";
import { faults } from "../faults/mod.ts";

const ids = [...cases, ...sseCases, ...sseHttp2, ...faults].map(({ id }) => id);
const text = await Deno.readTextFile(new URL("../../SECURITY.md", import.meta.url));
const rows = text.split("\n").filter((line) => line.startsWith("|")).slice(2);

Deno.test("SECURITY.md names an existing test for each threat", () => {
  assert.ok(rows.length > 20, "the table of SECURITY.md was not found");
  for (const row of rows) {
    const cells = row.split(" | ");
    const named = [...cells.at(-1)!.matchAll(/`([^`]+)`/g)].map(([, id]) => id!);
    assert.ok(named.length > 0, `no test in the row ${row}`);
    for (const name of named) {
      const isThere = name.endsWith("*")
        ? ids.some((id) => id.startsWith(name.slice(0, -1)))
        : ids.includes(name);
      assert.ok(isThere, `the case ${name} does not exist`);
    }
  }
});
