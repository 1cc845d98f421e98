import { compressedMessages } from "./compressed_messages.ts";
import { compressionOffers } from "./compression_offers.ts";
import { closing } from "./closing.ts";
import { controlFrames } from "./control_frames.ts";
import { fragmentation } from "./fragmentation.ts";
import { framing } from "./framing.ts";
import { handshakeHeaders } from "./handshake.ts";
import { masking } from "./masking.ts";
import { handshakeLine } from "./request_line.ts";
import type { Section } from "./row.ts";
import { utf8 } from "./utf8.ts";

/** Sections of the battery: RFC 6455 and RFC 7692 as tables, in their order. */
export const sections: readonly Section[] = [
  handshakeHeaders,
  handshakeLine,
  framing,
  masking,
  fragmentation,
  controlFrames,
  closing,
  utf8,
  compressionOffers,
  compressedMessages,
];
