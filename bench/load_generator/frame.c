#include "frame.h"

#include <string.h>

// A constant mask: servers take as long to unmask it as a random one.
static const unsigned char MASK[4] = {0x5a, 0x13, 0xc6, 0x8f};

static size_t write_header(unsigned char *out, enum opcode opcode, size_t length, bool is_masked) {
  const unsigned char mask_bit = is_masked ? 0x80 : 0;
  size_t at = 0;
  out[at++] = 0x80 | opcode;
  if (length < 126) {
    out[at++] = mask_bit | length;
    return at;
  }
  const int width = length < 65536 ? 2 : 8;
  out[at++] = mask_bit | (width == 2 ? 126 : 127);
  for (int i = width - 1; i >= 0; i--) out[at++] = (uint64_t)length >> (8 * i);
  return at;
}

size_t write_masked_frame(unsigned char *out, enum opcode opcode, const void *payload,
                          size_t length) {
  size_t at = write_header(out, opcode, length, true);
  memcpy(out + at, MASK, sizeof MASK);
  at += sizeof MASK;
  const unsigned char *bytes = payload;
  for (size_t i = 0; i < length; i++) out[at + i] = bytes[i] ^ MASK[i % 4];
  return at + length;
}

size_t write_plain_frame(unsigned char *out, enum opcode opcode, const void *payload,
                         size_t length) {
  const size_t at = write_header(out, opcode, length, false);
  memcpy(out + at, payload, length);
  return at + length;
}

static bool is_known(enum opcode opcode) {
  return opcode <= BINARY || (opcode >= CLOSE && opcode <= PONG);
}

/// Length of a header, by its first two bytes.
static uint8_t full_header(const unsigned char *header) {
  const unsigned char length = header[1] & 0x7f;
  return length < 126 ? 2 : length == 126 ? 4 : 10;
}

static void begin_payload(frame_parser *parser) {
  const unsigned char *header = parser->header;
  parser->opcode = header[0] & 0x0f;
  parser->is_final = header[0] & 0x80;
  parser->is_compressed = header[0] & 0x40;
  parser->is_malformed = !is_known(parser->opcode) || (header[1] & 0x80);
  parser->control_length = 0;
  parser->left = header[1] & 0x7f;
  if (parser->header_length > 2) {
    parser->left = 0;
    for (int i = 2; i < parser->header_length; i++) parser->left = parser->left << 8 | header[i];
  }
  parser->in_payload = true;
}

static void take_payload(frame_parser *parser, const unsigned char *bytes, size_t length) {
  if (parser->opcode >= CLOSE && parser->control_length + length <= MAX_CONTROL) {
    memcpy(parser->control + parser->control_length, bytes, length);
    parser->control_length += length;
  }
  parser->left -= length;
}

bool next_frame(frame_parser *parser, const unsigned char **at, const unsigned char *end) {
  while (!parser->in_payload) {
    if (*at == end) return false;
    parser->header[parser->header_length++] = *(*at)++;
    if (parser->header_length >= 2 && parser->header_length == full_header(parser->header)) {
      begin_payload(parser);
    }
  }
  const uint64_t there = end - *at;
  const size_t taken = there < parser->left ? there : parser->left;
  take_payload(parser, *at, taken);
  *at += taken;
  if (parser->left > 0) return false;
  parser->in_payload = false;
  parser->header_length = 0;
  return true;
}
