// Frames of RFC 6455 §5.2: writes masked ones, and finds the ends of unmasked ones.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

enum {
  MAX_HEADER = 14,  // 2 bytes, 8 of length, 4 of mask
  MAX_CONTROL = 125,
};

/// Writes a whole message as one frame of a client; returns its length.
size_t write_masked_frame(unsigned char *out, enum opcode opcode, const void *payload,
                          size_t length);

/// Writes a whole message as one frame of a server, as an echo must look; returns its length.
size_t write_plain_frame(unsigned char *out, enum opcode opcode, const void *payload,
                         size_t length);

/// State of the parser for one connection. All zeros at first.
typedef struct {
  unsigned char header[MAX_HEADER];
  uint8_t header_length;  // bytes of the header so far
  bool in_payload;
  uint64_t left;  // bytes of the payload that are missing

  // Of the current frame:
  enum opcode opcode;
  bool is_final;
  bool is_compressed;                  // RSV1 (RFC 7692 §6)
  bool is_malformed;                   // masked, or of an unknown kind: forbidden for servers
  unsigned char control[MAX_CONTROL];  // the payload of a control frame
  uint8_t control_length;
} frame_parser;

/// Takes bytes until a frame is complete; false if the bytes end before. Skips the payload of data
/// frames, because a read would cost more CPU time than some servers need for the send.
bool next_frame(frame_parser *parser, const unsigned char **at, const unsigned char *end);
