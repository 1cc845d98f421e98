#define _GNU_SOURCE
#include "handshake.h"

#include <stdio.h>
#include <string.h>

// The key of RFC 6455 §1.3, whose answer is known.
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

size_t write_request(char *out, int port, const char *path, bool offers_deflate) {
  return snprintf(
      out, MAX_REQUEST,
      "GET %s HTTP/1.1\r\n"
      "Host: 127.0.0.1:%d\r\n"
      "Connection: Upgrade\r\n"
      "Pragma: no-cache\r\n"
      "Cache-Control: no-cache\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/142.0.0.0 Safari/537.36\r\n"
      "Upgrade: websocket\r\n"
      "Origin: http://127.0.0.1:%d\r\n"
      "Sec-WebSocket-Version: 13\r\n"
      "Accept-Encoding: gzip, deflate, br, zstd\r\n"
      "Accept-Language: en-US,en;q=0.9\r\n"
      "Sec-WebSocket-Key: " KEY
      "\r\n"
      "%s\r\n",
      path, port, port,
      offers_deflate ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                     : "");
}

size_t write_get(char *out, int port, const char *path, const char *more) {
  return snprintf(
      out, MAX_REQUEST,
      "GET %s HTTP/1.1\r\n"
      "Host: 127.0.0.1:%d\r\n"
      "Connection: keep-alive\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/142.0.0.0 Safari/537.36\r\n"
      "Accept-Language: en-US,en;q=0.9\r\n"
      "%s\r\n",
      path, port, more);
}

size_t write_post(char *out, int port, const char *path, const char *more, const char *text,
                  size_t length) {
  return snprintf(
      out, MAX_POST + length,
      "POST %s HTTP/1.1\r\n"
      "Host: 127.0.0.1:%d\r\n"
      "Connection: keep-alive\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/142.0.0.0 Safari/537.36\r\n"
      "Accept-Language: en-US,en;q=0.9\r\n"
      "Content-Type: text/plain\r\n"
      "Content-Length: %zu\r\n"
      "%s\r\n%.*s",
      path, port, length, more, (int)length, text);
}

const char *end_of_response(const char *response) {
  const char *end = strstr(response, "\r\n\r\n");
  return end ? end + 4 : NULL;
}

bool is_accepted(const char *response) {
  return !strncmp(response, "HTTP/1.1 101", 12) &&
         strcasestr(response, "Sec-WebSocket-Accept: " ACCEPT);
}
