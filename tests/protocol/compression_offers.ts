import { type Agreed, close, type Expected, type Row, type Section, text, whole } from "./row.ts";

const HELLO = text("hello");
/** Text whose repetitions are too far apart for a small window. */
const LONG = text(repetitive());
const OK: Expected = { messages: [HELLO, LONG], ends: [1000] };

interface Offer {
  readonly serverBits?: number;
  readonly clientBits?: number | true;
  readonly serverForgets?: true;
}

/** Legal offers, and the limits for the answer (RFC 7692 §7.1). */
const LEGAL: readonly (readonly [name: string, value: string, offer: Offer])[] = [
  ["plain", "permessage-deflate", {}],
  ["server-forgets", "permessage-deflate; server_no_context_takeover", { serverForgets: true }],
  ["client-forgets", "permessage-deflate; client_no_context_takeover", {}],
  [
    "both-forget",
    "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
    { serverForgets: true },
  ],
  ["client-bits", "permessage-deflate; client_max_window_bits", { clientBits: true }],
  ...[8, 9, 10, 12, 15].flatMap((bits): [string, string, Offer][] => [
    [`client-bits-${bits}`, `permessage-deflate; client_max_window_bits=${bits}`, {
      clientBits: bits,
    }],
    [`server-bits-${bits}`, `permessage-deflate; server_max_window_bits=${bits}`, {
      serverBits: bits,
    }],
  ]),
  [
    "all",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11",
    { serverBits: 10, clientBits: 11, serverForgets: true },
  ],
  ["quoted", 'permessage-deflate; client_max_window_bits="10"', { clientBits: 10 }],
  ["quoted-server", 'permessage-deflate; server_max_window_bits="15"', { serverBits: 15 }],
  ["no-space", "permessage-deflate;client_max_window_bits=15", { clientBits: 15 }],
  ["spaced", "permessage-deflate ;\tclient_max_window_bits ", { clientBits: true }],
  ["behind-unknown", "x-unknown; a=b, permessage-deflate", {}],
  ["before-unknown", "permessage-deflate, x-unknown; client_max_window_bits=99", {}],
  ["browser", "permessage-deflate; client_max_window_bits", { clientBits: true }],
];

/** Offers that a server "MUST decline" (RFC 7692 §7.1, §5.1), or that are malformed. */
const ILLEGAL: readonly (readonly [name: string, value: string])[] = [
  ["unknown-parameter", "permessage-deflate; x=1"],
  ["unknown-flag", "permessage-deflate; no_such_parameter"],
  ["forgets-with-value", "permessage-deflate; server_no_context_takeover=1"],
  ["client-forgets-with-value", "permessage-deflate; client_no_context_takeover=true"],
  ["server-bits-missing", "permessage-deflate; server_max_window_bits"],
  ...["7", "16", "0", "08", "-8", "8.0", "x", "99"].flatMap((bits): [string, string][] => [
    [`server-bits-${bits}`, `permessage-deflate; server_max_window_bits=${bits}`],
    [`client-bits-${bits}`, `permessage-deflate; client_max_window_bits=${bits}`],
  ]),
  ["forgets-twice", "permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
  ["bits-twice", "permessage-deflate; server_max_window_bits=10; server_max_window_bits=12"],
  ["client-bits-twice", "permessage-deflate; client_max_window_bits; client_max_window_bits=10"],
];

/** Offers of other extensions that only look like permessage-deflate. */
const OTHERS: readonly (readonly [name: string, value: string])[] = [
  ["longer-name", "permessage-deflate2"],
  ["x-name", "x-permessage-deflate"],
  ["webkit", "x-webkit-deflate-frame"],
  ["as-parameter", "x-unknown; permessage-deflate"],
  ["as-value", "x-unknown; a=permessage-deflate"],
  ["older", "permessage-compress; method=deflate"],
];

function row(
  id: string,
  fact: string,
  extensions: string | readonly string[],
  offer: (agreed: Agreed) => string | undefined,
): Row {
  return {
    id: `offers.${id}`,
    fact,
    handshake: { headers: { "Sec-WebSocket-Extensions": extensions } },
    sends: [whole(HELLO), whole(LONG), close(1000)],
    strict: OK,
    offer,
  };
}

function repetitive(): string {
  let seed = 7;
  const letters = Array.from({ length: 700 }, () => {
    seed = (seed * 48271) % 2147483647;
    return String.fromCharCode(33 + seed % 90);
  });
  return letters.join("").repeat(4);
}

/** Returns a check that finds a fault in the answer to these offers. */
function legalFor(...offers: readonly Offer[]): (agreed: Agreed) => string | undefined {
  return (agreed) => {
    const faults = offers.map((offer) => agreed && faultIn(agreed, offer));
    return faults.includes(undefined) ? undefined : faults[0];
  };
}

const PARAMETERS = ["server_no_context_takeover", "client_no_context_takeover"]
  .concat("server_max_window_bits", "client_max_window_bits");

function faultIn(agreed: NonNullable<Agreed>, offer: Offer): string | undefined {
  const unknown = Object.keys(agreed).find((name) => !PARAMETERS.includes(name));
  if (unknown) return `the answer has the parameter ${unknown}`;
  const [serverForgets, clientForgets, serverBits, clientBits] = PARAMETERS.map((it) => agreed[it]);
  if ((serverForgets ?? true) !== true || (clientForgets ?? true) !== true) {
    return "the answer gives a value to a parameter that has none";
  }
  if (offer.serverForgets && !serverForgets) return "the answer lacks server_no_context_takeover";
  for (const bits of [serverBits, clientBits]) {
    if (bits !== undefined && !/^([89]|1[0-5])$/.test(String(bits))) {
      return `the answer has window bits of ${bits}`;
    }
  }
  if (offer.serverBits && !(Number(serverBits) <= offer.serverBits)) {
    return `the answer to server_max_window_bits=${offer.serverBits} is ${serverBits}`;
  }
  if (clientBits !== undefined && offer.clientBits === undefined) {
    return "the answer has client_max_window_bits without an offer";
  }
  if (typeof offer.clientBits === "number" && Number(clientBits ?? 0) > offer.clientBits) {
    return `the answer client_max_window_bits=${clientBits} is above the offer`;
  }
  return undefined;
}

function declined(agreed: Agreed): string | undefined {
  return agreed && `the server accepts the offer: ${JSON.stringify(agreed)}`;
}

const legal: Row[] = LEGAL.map(([name, value, offer]) =>
  row(`legal-${name}`, `the answer is legal for ${value}`, value, legalFor(offer))
);

const taken: Row = {
  ...row(
    "taken",
    "the server accepts an offer of compression",
    "permessage-deflate",
    (agreed) => agreed ? undefined : "the server declines the offer",
  ),
  needsCompression: true,
};

const illegal: Row[] = ILLEGAL.map(([name, value]) =>
  row(`illegal-${name}`, `the server declines ${value}`, value, declined)
);

const others: Row[] = OTHERS.map(([name, value]) =>
  row(`other-${name}`, `the server declines another extension: ${value}`, value, declined)
);

const several: Row[] = [
  row("none", "the server does not compress without an offer", [], declined),
  row(
    "two",
    "the answer fits one of two offers",
    "permessage-deflate; server_max_window_bits=10, permessage-deflate",
    legalFor({ serverBits: 10 }, {}),
  ),
  row(
    "two-lines",
    "the server reads offers from two header lines",
    [
      "permessage-deflate; server_no_context_takeover",
      "permessage-deflate; client_max_window_bits",
    ],
    legalFor({ serverForgets: true }, { clientBits: true }),
  ),
  row(
    "illegal-first",
    "the server accepts a legal offer after an illegal one",
    "permessage-deflate; x=1, permessage-deflate; client_max_window_bits",
    legalFor({ clientBits: true }),
  ),
  row(
    "bits-first",
    "the answer limits the client's window only if the accepted offer allows it",
    "permessage-deflate; server_max_window_bits=9, permessage-deflate; client_max_window_bits=9",
    legalFor({ serverBits: 9 }, { clientBits: 9 }),
  ),
];

/** RFC 7692 §5 and §7.1. */
export const compressionOffers: Section = {
  name: "offers",
  title: "Compression: offers and answers (RFC 7692 §5, §7.1)",
  server: "protocol.compressed",
  rows: [...legal, taken, ...illegal, ...others, ...several],
};
