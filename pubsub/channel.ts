/** Channel of the publishes to all namespaces. Every node hears it. */
export const ALL_NAMESPACES = "all";

/** Returns the channel that only one node hears. No channel of a topic has such a name: it has no dot. */
export function nodeChannel(id: string): string {
  return `node-${id}`;
}

/** Names that need no escape. */
const PLAIN = /^[A-Za-z0-9_-]+$/;
const IS_PLAIN: readonly boolean[] = Array.from(
  { length: 0x80 },
  (_, code) => PLAIN.test(String.fromCharCode(code)),
);
/** Escapes of the ASCII characters, such as `=2F`. */
const ASCII: readonly string[] = Array.from(
  { length: 0x80 },
  (_, code) => `=${code.toString(16).toUpperCase().padStart(2, "0")}`,
);
/** Longest name that is joined from parts. For the longest names, that takes far more time. */
const MAX_SHORT = 256;
const HEX = new TextEncoder().encode("0123456789ABCDEF");
const EQUALS_SIGN = 0x3d, LETTER_U = 0x55;
/** Most characters for each UTF-16 code unit of a name: `=E2=82=AC` for `€`. */
const MAX_GROWTH = 9;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Returns the channel of a topic in a namespace, such as `=2Fchat.news`.
 *
 * Two topics never share a channel, and a channel contains only letters, digits and `_-=.`. So no
 * name can act as a wildcard, a line break or another namespace in a broker. Brokers with a limit for
 * the length of a name must shorten long channels themselves.
 */
export function channelOf(namespace: string, topic: string): string {
  return `${escapeName(namespace)}.${escapeName(topic)}`;
}

/**
 * Returns a name in letters, digits and `_-=`. Different names stay different.
 *
 * Each other character becomes the bytes of its UTF-8, such as `=2F` for `/`.
 */
export function escapeName(name: string): string {
  if (PLAIN.test(name)) return name;
  if (name === "") return "="; // NATS rejects an empty part
  return (name.length <= MAX_SHORT ? escapeAscii(name) : undefined) ?? escapeLong(name);
}

/**
 * Escapes a name in ASCII. Returns `undefined` for any other name. For a short name such as `/chat`,
 * this takes a tenth of the time of {@linkcode escapeLong}.
 */
function escapeAscii(name: string): string | undefined {
  let text = "", from = 0;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code >= 0x80) return undefined;
    if (IS_PLAIN[code]) continue;
    text += name.slice(from, i) + ASCII[code]!;
    from = i + 1;
  }
  return text + name.slice(from);
}

/** Escapes any name. Writes bytes: a name may have megabytes, and adding to a string is slow then. */
function escapeLong(name: string): string {
  const text = new Uint8Array(MAX_GROWTH * name.length);
  let at = 0;
  const escape = (byte: number) => {
    text[at++] = EQUALS_SIGN;
    text[at++] = HEX[byte >> 4]!;
    text[at++] = HEX[byte & 15]!;
  };
  for (let i = 0; i < name.length; i++) {
    const code = name.codePointAt(i)!;
    if (code < 0x80) {
      if (IS_PLAIN[code]) text[at++] = code;
      else escape(code);
    } else if (code < 0x800) {
      escape(0xc0 | code >> 6);
      escape(0x80 | code & 63);
    } else if (code >> 11 === 0xd800 >> 11) {
      // A lone surrogate has no UTF-8, and becomes `=UD800`.
      text[at++] = EQUALS_SIGN;
      text[at++] = LETTER_U;
      for (let shift = 12; shift >= 0; shift -= 4) text[at++] = HEX[code >> shift & 15]!;
    } else {
      if (code > 0xffff) {
        i++; // the second half of the character
        escape(0xf0 | code >> 18);
        escape(0x80 | code >> 12 & 63);
      } else escape(0xe0 | code >> 12);
      escape(0x80 | code >> 6 & 63);
      escape(0x80 | code & 63);
    }
  }
  return decoder.decode(text.subarray(0, at));
}

/**
 * Returns the name that {@linkcode escapeName} has escaped.
 *
 * @throws {RangeError} for text that `escapeName` does not return.
 */
export function unescapeName(text: string): string {
  // Each second part is a lone surrogate.
  const parts = text === "=" ? [] : text.split(/=U([0-9A-F]{4})/);
  const name = parts.map((part, i) => {
    return i % 2 === 1 ? String.fromCharCode(parseInt(part, 16)) : unescapePart(part);
  }).join("");
  if (escapeName(name) !== text) throw new RangeError("this text is no escaped name");
  return name;
}

/** Unescapes UTF-8. Returns any text for a part that is not escaped UTF-8. */
function unescapePart(part: string): string {
  if (PLAIN.test(part)) return part;
  const bytes = new Uint8Array(part.length);
  let length = 0;
  for (let i = 0; i < part.length; i++) {
    const code = part.charCodeAt(i);
    if (code === EQUALS_SIGN) {
      bytes[length++] = HEX.indexOf(part.charCodeAt(++i)) << 4 | HEX.indexOf(part.charCodeAt(++i));
    } else bytes[length++] = code;
  }
  return decoder.decode(bytes.subarray(0, length));
}
