/** Bits in the first two bytes of a frame (RFC 6455 §5.2). */
export const FIN = 0x80, RSV = 0x70, MASKED = 0x80;
/** Bit of a compressed message (RFC 7692 §6). */
export const RSV1 = 0x40;
/** Opcodes. `CONTROL` is the bit that all control frames have. */
export const CONTINUATION = 0x0, TEXT = 0x1, BINARY = 0x2, CLOSE = 0x8, PING = 0x9, PONG = 0xa;
export const CONTROL = 0x8;
