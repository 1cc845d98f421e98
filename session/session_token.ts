/**
 * The secret of a session: 64 bits to find it by and 192 to know it by. Who has it is the client;
 * it is never in a URL, and has nothing to do with `peer.id`.
 *
 * @module
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LENGTH = 43, KEY_LENGTH = 11;

/** A new one, of 43 characters that need no escape anywhere. */
export function newToken(): string {
  const random = crypto.getRandomValues(new Uint8Array(LENGTH));
  let token = "";
  for (const byte of random) token += ALPHABET[byte & 63];
  return token;
}

/** The part that sessions are found by. */
export function keyOf(token: string): string {
  return token.slice(0, KEY_LENGTH);
}

/** Whether two tokens are the same, in a time that does not tell how much of them is. */
export function isSameToken(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
