import assert from "node:assert/strict";
import { deflateOffers } from "../../../handshake/deflate_offers.ts";

const P = "permessage-deflate";

Deno.test("deflateOffers() returns the offers that RFC 7692 allows in order, and drops all others", () => {
  const table: [header: string | null, offers: string[]][] = [
    [null, []],
    ["", []],
    [P, [P]],
    [`x-a; b=1, ${P}`, [P]],
    [`${P}; client_max_window_bits`, [`${P}; client_max_window_bits`]],
    [`${P}; server_max_window_bits=8`, [`${P}; server_max_window_bits=8`]],
    [`${P}; server_max_window_bits = "15"`, [`${P}; server_max_window_bits = "15"`]],
    [`${P};client_no_context_takeover ; server_no_context_takeover`, [
      `${P};client_no_context_takeover ; server_no_context_takeover`,
    ]],
    [`${P}; x, ${P}; client_max_window_bits=9, ${P}`, [`${P}; client_max_window_bits=9`, P]],
    [`${P}2`, []],
    [`x-${P}`, []],
    [`x; ${P}`, []],
    [`${P};`, []],
    [`${P}; server_max_window_bits`, []],
    [`${P}; server_max_window_bits=7`, []],
    [`${P}; server_max_window_bits=16`, []],
    [`${P}; server_max_window_bits=08`, []],
    [`${P}; server_max_window_bits="9`, []],
    [`${P}; client_no_context_takeover=1`, []],
    [`${P}; client_max_window_bits; client_max_window_bits=9`, []],
    [`${P}; client_max_window_bits=9; client_max_window_bits = 9`, []],
    [`${P}; server_no_context_takeover; server_no_context_takeover`, []],
    [`${P}; __proto__`, []],
  ];
  for (const [header, offers] of table) {
    assert.deepEqual(deflateOffers(header), offers, String(header));
  }
});
