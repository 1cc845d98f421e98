// Server-sent events: finds the messages in a response of `text/event-stream`.
#pragma once
#include <stddef.h>

#include "server.h"

enum { MAX_TOKEN = 128, MAX_TEXT = 2048 };

/// The token of a session, for requests that carry a message. Empty if the server needs none.
typedef struct {
  const char *header;
  char value[MAX_TOKEN];
} session_token;

/// Asks for the stream at a path, and waits for the head of the response.
session_token begin_event_stream(const server *to, int fd, const char *path);

/// Counts the messages in a chunk: lines `data: TEXT` among other lines. `matched` is the number of
/// bytes that match in the current line; 0 at first.
long count_events(const unsigned char *at, const unsigned char *end, const char *text,
                  size_t *matched);
