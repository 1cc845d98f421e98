#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "fail.h"
#include "handshake.h"
#include "tcp.h"

enum { TIMEOUT_MS = 5000, MAX_EVENTS = 512 };

static long read_messages(connection *it);

/// Reads the response, and no byte after the response.
static void await_response(connection *it) {
  char response[MAX_RESPONSE];
  for (;;) {
    const ssize_t there = recv(it->fd, response, sizeof response - 1, MSG_PEEK);
    if (there <= 0) fail("%s has not answered a handshake", it->server->name);
    response[there] = 0;
    const char *end = end_of_response(response);
    if (!end && (size_t)there == sizeof response - 1) fail("The response is too long");
    if (!end) continue;
    if (recv(it->fd, response, end - response, 0) != end - response) fail("A response was cut");
    if (!is_accepted(response)) fail("%s refused: %s", it->server->name, response);
    return;
  }
}

/// Opens the namespace "/" of Socket.IO, after the greeting of Engine.IO.
static void greet_socket_io(connection *it) {
  unsigned char frame[MAX_HEADER + 2];
  send_frames(it, frame, write_masked_frame(frame, TEXT, "40", 2));
  struct pollfd readable = {.fd = it->fd, .events = POLLIN};
  for (long received = 0; received < 2; received += read_messages(it)) {
    if (poll(&readable, 1, TIMEOUT_MS) == 0) fail("%s does not speak Socket.IO", it->server->name);
  }
  it->received = 0;
}

void open_connection(connection *it, server *to, const char *path, connection_options how) {
  char request[MAX_REQUEST];
  *it = (connection){.server = to, .fd = connect_tcp(to->port, how.receive_buffer)};
  send_all(it->fd, request, write_request(request, to->port, path, how.offers_deflate));
  await_response(it);
  make_nonblocking(it->fd);
  if (to->speaks_socket_io) greet_socket_io(it);
  start_reading(it);
}

void open_stream(connection *it, server *to, const char *path) {
  *it = (connection){.server = to, .fd = connect_tcp(to->port, 0)};
  if (path) it->token = begin_event_stream(to, it->fd, path);
  make_nonblocking(it->fd);
  start_reading(it);
}

void start_reading(connection *it) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = it};
  if (epoll_ctl(it->server->epoll, EPOLL_CTL_ADD, it->fd, &event)) fail("Cannot listen: %m");
}

void stop_reading(connection *it) {
  if (!it->has_ended) epoll_ctl(it->server->epoll, EPOLL_CTL_DEL, it->fd, NULL);
}

void send_frames(connection *it, const void *frames, size_t length) {
  if (it->has_ended || send_all(it->fd, frames, length)) return;
  if (!it->may_end) it->server->lost++;
}

void drop_connection(connection *it) {
  if (!it->has_ended) reset_tcp(it->fd);
  it->has_ended = true;
}

/// Handles the end of a connection by the server.
static void end_connection(connection *it) {
  drop_connection(it);
  if (it->may_end) return;
  it->server->closed++;
}

static void answer_control(connection *it) {
  const frame_parser *frame = &it->parser;
  unsigned char answer[MAX_HEADER + MAX_CONTROL];
  if (frame->opcode == PONG) return;
  const enum opcode kind = frame->opcode == PING ? PONG : CLOSE;
  if (kind == CLOSE && frame->control_length >= 2) {
    it->close_code = frame->control[0] << 8 | frame->control[1];
  }
  send_all(it->fd, answer, write_masked_frame(answer, kind, frame->control, frame->control_length));
}

/// Parses the frames in a chunk; returns the number of messages that end in the chunk.
static long take_frames(connection *it, const unsigned char *at, const unsigned char *end) {
  frame_parser *parser = &it->parser;
  long messages = 0;
  while (next_frame(parser, &at, end)) {
    if (parser->is_malformed) it->server->wrong++;
    else if (parser->opcode >= CLOSE) answer_control(it);
    else {
      if (parser->opcode != CONTINUATION) it->is_compressed = parser->is_compressed;
      if (parser->is_final) messages++;
    }
  }
  return messages;
}

/// Reads all available bytes; returns the number of messages that end in them.
static long read_messages(connection *it) {
  static unsigned char chunk[1 << 18];
  long messages = 0;
  for (;;) {
    const ssize_t length = recv(it->fd, chunk, sizeof chunk, 0);
    if (length < 0 && errno == EAGAIN) break;
    if (length <= 0) {
      end_connection(it);
      break;
    }
    it->server->bytes += length;
    messages += it->server->speaks_sse
                    ? count_events(chunk, chunk + length, it->server->text, &it->matched)
                    : take_frames(it, chunk, chunk + length);
    if (length < (ssize_t)sizeof chunk) break;
  }
  it->received += messages;
  return messages;
}

void receive(server *from, int timeout, message_listener *listener, void *context) {
  struct epoll_event events[MAX_EVENTS];
  const int count = epoll_wait(from->epoll, events, MAX_EVENTS, timeout);
  for (int i = 0; i < count; i++) {
    connection *it = events[i].data.ptr;
    const long messages = read_messages(it);
    if (messages > 0 && listener) listener(it, messages, context);
  }
}

void expect_bytes(connection *it, const void *bytes, size_t length) {
  unsigned char chunk[4096];
  const unsigned char *wanted = bytes;
  struct pollfd readable = {.fd = it->fd, .events = POLLIN};
  for (size_t at = 0; at < length;) {
    const size_t most = length - at < sizeof chunk ? length - at : sizeof chunk;
    if (poll(&readable, 1, TIMEOUT_MS) == 0) {
      fail("%s sent %zu bytes of %zu", it->server->name, at, length);
    }
    const ssize_t got = recv(it->fd, chunk, most, 0);
    if (got <= 0) fail("%s ended a connection", it->server->name);
    if (memcmp(chunk, wanted + at, got)) fail("%s sent wrong bytes", it->server->name);
    at += got;
  }
}
