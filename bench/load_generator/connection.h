// One WebSocket to a server.
#pragma once
#include <stdbool.h>

#include "event_stream.h"
#include "frame.h"
#include "server.h"

typedef struct {
  server *server;
  int fd;
  frame_parser parser;
  size_t matched;      // bytes of the current event
  session_token token; // of a stream of events
  long received;       // messages so far
  bool is_compressed;  // whether the last message was compressed
  bool may_end;        // whether the server may end the connection: true for slow readers
  bool has_ended;
  int close_code;  // of the server's close frame; 0 if there was none
} connection;

typedef struct {
  int receive_buffer;  // bytes; 0 for the system's default
  bool offers_deflate;
} connection_options;

/// Opens a connection, waits for the handshake, and starts reading.
void open_connection(connection *it, server *to, const char *path, connection_options how);

/// Opens a stream of events, or without a path a connection for requests. Then starts reading.
void open_stream(connection *it, server *to, const char *path);

/// Sends bytes. Counts an error if the send fails.
void send_frames(connection *it, const void *frames, size_t length);

/// Stops and starts reading.
void stop_reading(connection *it);
void start_reading(connection *it);

/// Waits for exactly these bytes. Ends the run if other bytes arrive, or no byte in time.
void expect_bytes(connection *it, const void *bytes, size_t length);

/// Ends a connection without a close frame.
void drop_connection(connection *it);

/// Called for each connection that received messages.
typedef void message_listener(connection *it, long messages, void *context);

/// Waits for bytes from a server, at most `timeout` milliseconds, and parses them. Answers pings
/// and close frames.
void receive(server *from, int timeout, message_listener *listener, void *context);
