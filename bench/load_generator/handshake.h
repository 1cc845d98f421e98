// The opening handshake (RFC 6455 §4), with the request of a browser.
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { MAX_REQUEST = 1024, MAX_RESPONSE = 2048, MAX_POST = 768 };

/// Writes an upgrade request with eleven headers, or twelve if it offers permessage-deflate.
size_t write_request(char *out, int port, const char *path, bool offers_deflate);

/// Writes a plain GET request; `more` holds further header lines.
size_t write_get(char *out, int port, const char *path, const char *more);

/// Writes a POST request with a text; `more` holds further header lines. Needs at most `MAX_POST`
/// bytes beside the text.
size_t write_post(char *out, int port, const char *path, const char *more, const char *text,
                  size_t length);

/// End of the response head, after its empty line; null if the head is incomplete.
const char *end_of_response(const char *response);

/// Whether this is a 101 with the right `Sec-WebSocket-Accept`.
bool is_accepted(const char *response);
