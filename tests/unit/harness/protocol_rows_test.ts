import assert from "node:assert/strict";
import { settle } from "../../protocol/battery.ts";
import { protocolGaps } from "../../protocol/gaps.ts";
import { sections } from "../../protocol/mod.ts";
import { runtimes } from "../../runtimes/native.ts";

Deno.test("Rows of the protocol battery have unique ids, which begin with their section", () => {
  const ids = sections.flatMap(({ name, rows }) => {
    for (const { id } of rows) assert.ok(id.startsWith(`${name}.`), id);
    return rows.map(({ id }) => id);
  });
  assert.deepEqual(ids.filter((id, index) => ids.indexOf(id) !== index), []);
});

Deno.test("Every gap of the protocol battery names an existing row and runtime", () => {
  const ids = sections.flatMap(({ rows }) => rows.map(({ id }) => id));
  for (const [name, gaps] of Object.entries(protocolGaps)) {
    assert.ok(runtimes.some((it) => it.name === name), name);
    for (const { rows } of gaps) assert.ok(ids.some((id) => rows.test(id)), String(rows));
  }
});

Deno.test("A gap of the protocol battery must fail, unless chance decides", () => {
  const row = { id: "a.b", fact: "a fact" }, section = { name: "a" };
  const gap = { rows: /^a/, reason: "why", link: "https://example.com/" };
  const statuses = [gap, { ...gap, mayPass: true }].map((gap) =>
    (["ok", "failed"] as const).map((status) => settle(row, section, { status }, gap).status)
  );
  assert.deepEqual(statuses, [["failed", "gap"], ["gap", "gap"]]);
});
