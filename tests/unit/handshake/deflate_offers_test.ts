import assert from "node:assert/strict";
import { acceptableOffers, deflateOffers } from "../../../handshake/deflate_offers.ts";

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

Deno.test("acceptableOffers() drops the offers that the server's options cannot fulfil", () => {
  const table: [options: unknown, offer: string, isAcceptable: boolean][] = [
    [true, "", true],
    [undefined, "; server_max_window_bits=9", true],
    [{}, "; server_no_context_takeover", true],
    [{ serverNoContextTakeover: true }, "; server_no_context_takeover", true],
    [{ serverNoContextTakeover: false }, "", true],
    [{ serverNoContextTakeover: false }, "; client_no_context_takeover", true],
    [{ serverNoContextTakeover: false }, "; server_no_context_takeover", false],
    [{ serverMaxWindowBits: 10 }, "", true],
    [{ serverMaxWindowBits: 10 }, "; server_max_window_bits=15", true],
    [{ serverMaxWindowBits: 10 }, "; server_max_window_bits=10", true],
    [{ serverMaxWindowBits: 10 }, "; server_max_window_bits=9", false],
    [{ serverMaxWindowBits: 10 }, '; server_max_window_bits = "9"', false],
    [{ serverMaxWindowBits: false }, "; server_max_window_bits=15", false],
    [{ clientMaxWindowBits: 10 }, "", false],
    [{ clientMaxWindowBits: 10 }, "; server_max_window_bits=12", false],
    [{ clientMaxWindowBits: 10 }, "; client_max_window_bits", true],
    [{ clientMaxWindowBits: 10 }, "; client_max_window_bits=10", true],
    [{ clientMaxWindowBits: 10 }, "; client_max_window_bits=9", false],
    [{ clientMaxWindowBits: false }, "; client_max_window_bits=9", true],
  ];
  for (const [options, parameters, isAcceptable] of table) {
    const offer = P + parameters;
    const expected = isAcceptable ? [offer] : [];
    assert.deepEqual(acceptableOffers(offer, options), expected, JSON.stringify([options, offer]));
  }
  const both = `${P}; server_max_window_bits=9, ${P}`;
  assert.deepEqual(acceptableOffers(both, { serverMaxWindowBits: 10 }), [P]);
});
