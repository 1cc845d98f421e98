import { invalidOption } from "../common/errors.ts";
import { mustNotBePromise } from "../common/thenable.ts";
import { type Handshake, listElements, TOKEN } from "./handshake.ts";

// Visible ASCII, space and tab: every runtime writes these as the same bytes.
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;
/** Headers that only the adapter may set. */
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

/** Headers for the 101 response, as the `upgrade` hook returns them. */
export type UpgradeHeaders =
  | Headers
  | Iterable<readonly [string, string]>
  | Record<string, string | readonly string[]>;

/**
 * Returns names and values as they were given.
 *
 * @throws {TypeError} for a value that holds no headers.
 */
export function headerPairs(
  given: UpgradeHeaders,
): Iterable<readonly [string, string | readonly string[]]> {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(invalidOption("the headers", "Headers, pairs or a record", given));
  }
  return Symbol.iterator in given
    ? given as Iterable<readonly [string, string]>
    : Object.entries(given);
}

/**
 * Checks that a hook's response can be sent. Control characters in a header end the process on
 * Node 22 and cause a panic on Deno 2.9.
 *
 * @throws {TypeError} for a header with a control character, or a body that is already used.
 */
export function checkResponse(response: Response): void {
  if (response.bodyUsed) {
    throw new TypeError(
      "Cannot refuse with this Response as its body was sent or read before: make a new one for each request",
    );
  }
  for (const [name, value] of response.headers) {
    // deno-lint-ignore no-control-regex -- the check looks for control characters
    if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
      throw new TypeError(
        `Cannot send the header ${name} as its value has a control character: encode it, for example by encodeURIComponent()`,
      );
    }
  }
}

/**
 * Checks headers for the 101 response. Returns one pair for each header line, names in lower case.
 *
 * @throws {TypeError} for a name or value that cannot be sent.
 */
export function checkedHeaders(given: UpgradeHeaders | undefined): [string, string][] {
  if (given === undefined) return [];
  const checked: [string, string][] = [];
  for (const [name, values] of headerPairs(given)) {
    for (const value of [values].flat()) {
      mustNotBePromise(`the header ${name}`, value);
      if (typeof name !== "string" || !TOKEN.test(name)) {
        throw new TypeError(
          `Cannot send the header ${
            JSON.stringify(name)
          } as its name is not a token (RFC 9110 §5.6.2)`,
        );
      }
      if (typeof value !== "string" || !FIELD_VALUE.test(value)) {
        throw new TypeError(
          `Cannot send the header ${name} as its value must be visible ASCII without line breaks: encode it, for example by encodeURIComponent()`,
        );
      }
      const lower = name.toLowerCase();
      if (!OWN_HEADERS.has(lower)) checked.push([lower, value]);
    }
  }
  return checked;
}

/**
 * Returns the subprotocol to select, or `""`: the picked one, else the one in the headers. Removes
 * `sec-websocket-protocol` from the headers.
 *
 * @throws {TypeError} for a subprotocol that the client did not offer.
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
    header ??= value; // the last value wins: headers of a resolved hook come after those of the global hook
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
