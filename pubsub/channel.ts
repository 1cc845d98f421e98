/** Channel of the publishes to all namespaces. Every node hears it. */
export const ALL_NAMESPACES = "all";

/** Names that need no escape. */
const PLAIN = /^[A-Za-z0-9_-]+$/;
const utf8 = new TextEncoder();
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

/** Returns a name in letters, digits and `_-=`. Different names stay different. */
export function escapeName(name: string): string {
  if (PLAIN.test(name)) return name;
  if (name === "") return "="; // NATS rejects an empty part
  let text = "";
  for (const character of name) text += PLAIN.test(character) ? character : hex(character);
  return text;
}

/** Returns `=2F` for `/`: each byte of UTF-8. A lone surrogate has no UTF-8, and becomes `=UD800`. */
function hex(character: string): string {
  if (!character.isWellFormed()) {
    return `=U${character.charCodeAt(0).toString(16).toUpperCase()}`;
  }
  let text = "";
  for (const byte of utf8.encode(character)) {
    text += `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

/**
 * Returns the name that {@linkcode escapeName} has escaped.
 *
 * @throws {RangeError} for text that `escapeName` does not return.
 */
export function unescapeName(text: string): string {
  const name = text === "=" ? "" : text.replace(
    /((?:=[0-9A-F]{2})+)|=U([0-9A-F]{4})/g,
    (_, bytes?: string, surrogate?: string) =>
      bytes === undefined
        ? String.fromCharCode(parseInt(surrogate!, 16))
        : decoder.decode(Uint8Array.from(bytes.slice(1).split("="), (hex) => parseInt(hex, 16))),
  );
  if (escapeName(name) !== text) throw new RangeError("this text is no escaped name");
  return name;
}
