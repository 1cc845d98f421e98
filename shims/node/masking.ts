/** From here on seeing the bytes as words is worth the view it takes (Node 20). */
const MIN_LENGTH = 512;

/** The mask, as bytes and as the word that they are on this machine. */
const maskBytes = new Uint8Array(4), maskWord = new Int32Array(maskBytes.buffer);

/**
 * Takes the mask off a part of `data`, in place (RFC 6455 §5.3).
 *
 * @param maskAt where the four bytes of the mask are.
 */
export function unmask(data: Uint8Array, maskAt: number, start: number, end: number): void {
  const long = end - start >= MIN_LENGTH;
  // Words start where the memory does, not where the payload does.
  const lead = long ? start + (-(data.byteOffset + start) & 3) : end;
  unmaskBytes(data, maskAt, start, lead, 0);
  if (!long) return;
  const done = lead - start, count = (end - lead) >> 2;
  for (let i = 0; i < 4; i++) maskBytes[i] = data[maskAt + ((done + i) & 3)]!;
  const words = new Int32Array(data.buffer, data.byteOffset + lead, count), mask = maskWord[0]!;
  for (let i = 0; i < count; i++) words[i]! ^= mask;
  unmaskBytes(data, maskAt, lead + count * 4, end, done);
}

/** @param turn how far into the mask the first byte is. */
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
