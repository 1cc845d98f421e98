// A server under load: another process on this machine.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "frame.h"

typedef struct {
  char name[32];
  int port;
  pid_t pid;
  bool speaks_socket_io;  // wraps each message in a packet of its own
  bool speaks_sse;        // sends events, and takes requests
  clockid_t clock;        // CPU time of all of its threads
  int epoll;              // over the open connections

  const char *text;       // the text that each event must contain

  // Since the last report:
  long bytes;       // received bytes
  long lost;        // missing messages
  long closed;      // connections that the server ended
  long wrong;       // unexpected bytes or frames
  bool has_failed;  // whether there was any error so far
} server;

/// Finds a server by its `name:port:pid[:socket.io]`.
server find_server(const char *description);

/// Resident memory of a server, in KiB.
long resident_kib(const server *it);

/// Makes a server collect garbage, and gives it time to return memory to the system.
void collect_garbage(const server *it);

/// The path of the echo.
const char *echo_path(const server *it);

/// Writes the path that subscribes to a topic.
void write_topic_path(const server *it, long topic, char *path, size_t size);

/// Writes a message in the protocol of the server: masked as a client sends it, or plain as a
/// server does. Returns its length, at most `MESSAGE_OVERHEAD` more than the frame of the text.
typedef size_t frame_writer(unsigned char *out, enum opcode opcode, const void *payload,
                            size_t length);
size_t write_message(const server *it, frame_writer *write, unsigned char *out, enum opcode opcode,
                     const void *payload, size_t length);

enum { MESSAGE_OVERHEAD = 64 };
