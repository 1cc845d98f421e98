import { Random } from "./random.ts";

/** Returns the query of a history's handshake, with a checksum that detects changed bits. */
export function tokenOf(seed: number, index: number): string {
  const check = new Random(seed, index, 9).uint32();
  return [seed, index, check].map((number) => number.toString(36)).join(".");
}
