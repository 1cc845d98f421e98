/**
 * The secret token of a session. 66 bits find the session, and 192 bits prove that a request comes
 * from the client. A token never appears in a URL, and is independent of `peer.id`.
 *
 * @module
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LENGTH = 43, KEY_LENGTH = 11;

/** Returns a new token of 43 characters, which need no escape in headers, JSON or URLs. */
export function newToken(): string {
  const random = crypto.getRandomValues(new Uint8Array(LENGTH));
  let token = "";
  for (const byte of random) token += ALPHABET[byte & 63];
  return token;
}

/** Returns the part of a token by which sessions are found. */
export function keyOf(token: string): string {
  return token.slice(0, KEY_LENGTH);
}

/** Whether two tokens are the same. The time does not depend on how many characters match. */
export function isSameToken(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
