import { type Handshake, listElements, TOKEN } from "./handshake.ts";

// Visible ASCII, space and tab: what every runtime puts on the wire as the same bytes.
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;
/** Headers that only the adapter can know. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-version",
  "transfer-encoding",
  "upgrade",
]);

/** Headers for the 101 as the `upgrade` hook gave them. */
export type UpgradeHeaders = Headers | Iterable<readonly [string, string]> | Record<string, string>;

/**
 * Headers for the 101, checked, one pair for each line, names in lower case.
 *
 * @throws {TypeError} for a name or value that must not be on the wire.
 */
export function checkedHeaders(given: UpgradeHeaders | undefined): [string, string][] {
  if (given === undefined) return [];
  const pairs = Symbol.iterator in given
    ? given as Iterable<readonly [string, string]>
    : Object.entries(given as Record<string, string>);
  const checked: [string, string][] = [];
  for (const [name, value] of pairs) {
    if (!TOKEN.test(String(name))) {
      throw new TypeError(
        `Cannot send the header ${
          JSON.stringify(name)
        } as its name is not a token (RFC 9110 §5.6.2)`,
      );
    }
    if (!FIELD_VALUE.test(String(value))) {
      throw new TypeError(
        `Cannot send the header ${name} as its value must be visible ASCII without line breaks: encode it, for example by encodeURIComponent()`,
      );
    }
    const lower = name.toLowerCase();
    if (!OWN_HEADERS.has(lower)) checked.push([lower, String(value)]);
  }
  return checked;
}

/**
 * Takes the subprotocol out of the headers and makes sure that the client offered it.
 *
 * @throws {TypeError} for a protocol that the client did not offer.
 */
export function chooseProtocol(
  handshake: Handshake,
  picked: string | undefined,
  headers: [string, string][],
): string {
  let header: string | undefined;
  for (let i = headers.length - 1; i >= 0; i--) {
    if (headers[i]![0] !== "sec-websocket-protocol") continue;
    const [[, value]] = headers.splice(i, 1) as [[string, string]];
    header ??= value; // the last one: a resolved hook's comes after the global hook's
  }
  const protocol = picked ?? header ?? "";
  const offered = listElements(handshake.header("sec-websocket-protocol"));
  if (protocol !== "" && !offered.includes(protocol)) {
    throw new TypeError(
      `Cannot select the subprotocol ${
        JSON.stringify(protocol)
      } as the client did not offer it: offered are ${
        offered.map((name) => JSON.stringify(name)).join(", ") || "none"
      }`,
    );
  }
  return protocol;
}
