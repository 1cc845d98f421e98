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
  size_t matched;      // of an event that is under way
  session_token token; // of a stream of events
  long received;       // messages, ever
  bool is_compressed;  // whether the last message was
  bool may_end;        // whether the server may end it: it was provoked
  bool has_ended;
  int close_code;  // of the server's close frame; 0 where none was seen
} connection;

typedef struct {
  int receive_buffer;  // bytes; 0: the system picks
  bool offers_deflate;
} connection_options;

/// Opens a connection, and listens to it. Waits for the handshake.
void open_connection(connection *it, server *to, const char *path, connection_options how);

/// Opens a stream of events, or a line for requests where there is no path; and listens to it.
void open_stream(connection *it, server *to, const char *path);

/// Sends bytes; counts an error where they cannot be sent.
void send_frames(connection *it, const void *frames, size_t length);

/// Stops and starts to listen.
void stop_reading(connection *it);
void start_reading(connection *it);

/// Waits for exactly these bytes; where others come, or none, the run ends here.
void expect_bytes(connection *it, const void *bytes, size_t length);

/// Ends a connection at once.
void drop_connection(connection *it);

/// Told of each connection that got messages.
typedef void message_listener(connection *it, long messages, void *context);

/// Waits for bytes from a server, at most so many milliseconds, and takes what has come. Answers
/// pings and closes.
void hear(server *from, int timeout, message_listener *listener, void *context);
