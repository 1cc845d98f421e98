import { Random } from "./random.ts";

/** What the query of a handshake says: a history, and that nobody has changed a bit of it. */
export function tokenOf(seed: number, index: number): string {
  const check = new Random(seed, index, 9).uint32();
  return [seed, index, check].map((number) => number.toString(36)).join(".");
}
