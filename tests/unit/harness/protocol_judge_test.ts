import assert from "node:assert/strict";
import type { Exchange } from "../../protocol/exchange.ts";
import { judge } from "../../protocol/judge.ts";
import { binary, DROPPED, type Row, text, utf8 } from "../../protocol/row.ts";

const row: Row = {
  id: "test.row",
  fact: "a text and a pong come back",
  sends: [],
  strict: { messages: [text("é")], pongs: [utf8("p")], ends: [1000] },
  nonStrict: [{ ...DROPPED, messages: [text("é")], pongs: [utf8("p")] }],
};
const good: Exchange = {
  status: 101,
  agreed: undefined,
  messages: [text("é")],
  pongs: [utf8("p")],
  end: 1000,
  neededRest: false,
  faults: [],
};

Deno.test("judge() distinguishes strict, non-strict and failed exchanges", () => {
  const table: [found: Partial<Exchange>, status: string][] = [
    [{}, "ok"],
    [{ end: "dropped" }, "non-strict"],
    [{ neededRest: true }, "non-strict"],
    [{ end: "open" }, "failed"],
    [{ end: 1001 }, "failed"],
    [{ end: 1005 }, "failed"],
    [{ status: 400 }, "failed"],
    [{ status: 0 }, "failed"],
    [{ messages: [] }, "failed"],
    [{ messages: [text("e")] }, "failed"],
    [{ messages: [text("é"), text("é")] }, "failed"],
    [{ messages: [binary(utf8("é"))] }, "failed"],
    [{ pongs: [] }, "failed"],
    [{ pongs: [utf8("q")] }, "failed"],
    [{ faults: ["a frame after the Close frame"] }, "failed"],
    [{ end: "dropped", messages: [] }, "failed"],
  ];
  for (const [found, status] of table) {
    assert.equal(judge(row, { ...good, ...found }).status, status, JSON.stringify(found));
  }
});

Deno.test("judge() judges a refusal by its status alone", () => {
  const refused: Row = { ...row, strict: { status: [400] }, nonStrict: [] };
  const found: Exchange = { ...good, messages: [], pongs: [], end: "open" };
  assert.equal(judge(refused, { ...found, status: 400 }).status, "ok");
  assert.equal(judge(refused, { ...found, status: 500 }).status, "failed");
  assert.equal(judge(refused, good).status, "failed");
});

Deno.test("judge() fails a row for a fault in the agreed compression", () => {
  const offer = () => "the answer has client_max_window_bits without an offer";
  assert.deepEqual(judge({ ...row, offer }, good), { status: "failed", detail: offer() });
});
