/** Least length at which 32-bit words are faster than bytes, in spite of the extra view (Node 20). */
const MIN_LENGTH = 512;

/** The mask as four bytes, and as one word in the byte order of this machine. */
const maskBytes = new Uint8Array(4), maskWord = new Int32Array(maskBytes.buffer);

/**
 * Unmasks a part of `data` in place (RFC 6455 §5.3).
 *
 * @param maskAt index of the first of the four bytes of the mask.
 */
export function unmask(data: Uint8Array, maskAt: number, start: number, end: number): void {
  const long = end - start >= MIN_LENGTH;
  // Words are aligned to the underlying buffer, not to the payload.
  const lead = long ? start + (-(data.byteOffset + start) & 3) : end;
  unmaskBytes(data, maskAt, start, lead, 0);
  if (!long) return;
  const done = lead - start, count = (end - lead) >> 2;
  for (let i = 0; i < 4; i++) maskBytes[i] = data[maskAt + ((done + i) & 3)]!;
  const words = new Int32Array(data.buffer, data.byteOffset + lead, count), mask = maskWord[0]!;
  for (let i = 0; i < count; i++) words[i]! ^= mask;
  unmaskBytes(data, maskAt, lead + count * 4, end, done);
}

/** @param turn index in the mask for the first byte. */
function unmaskBytes(data: Uint8Array, maskAt: number, start: number, end: number, turn: number) {
  const m0 = data[maskAt + (turn & 3)]!, m1 = data[maskAt + ((turn + 1) & 3)]!;
  const m2 = data[maskAt + ((turn + 2) & 3)]!, m3 = data[maskAt + ((turn + 3) & 3)]!;
  let i = start;
  for (; i + 3 < end; i += 4) {
    data[i]! ^= m0;
    data[i + 1]! ^= m1;
    data[i + 2]! ^= m2;
    data[i + 3]! ^= m3;
  }
  if (i < end) data[i]! ^= m0;
  if (i + 1 < end) data[i + 1]! ^= m1;
  if (i + 2 < end) data[i + 2]! ^= m2;
}
