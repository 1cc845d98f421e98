// The opening handshake (RFC 6455 §4), with the request of a browser.
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { MAX_REQUEST = 1024, MAX_RESPONSE = 2048, MAX_POST = 768 };

/// Writes a request of eleven headers; one more where it offers permessage-deflate.
size_t write_request(char *out, int port, const char *path, bool offers_deflate);

/// Writes a request for something else; `more` is whole lines.
size_t write_get(char *out, int port, const char *path, const char *more);

/// Writes a request that brings a text; `more` is whole lines. It takes at most `MAX_POST` beside
/// the text.
size_t write_post(char *out, int port, const char *path, const char *more, const char *text,
                  size_t length);

/// Where the response ends, after its empty line; null where it has not come yet.
const char *end_of_response(const char *response);

/// Whether this is a 101 with the right `Sec-WebSocket-Accept`.
bool is_accepted(const char *response);
