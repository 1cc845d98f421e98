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
  int epoll;              // over its open connections

  const char *text;       // of the messages that are expected as events

  // Since the last report:
  long bytes;       // that came
  long lost;        // messages that should have come
  long closed;      // connections that the server ended
  long wrong;       // bytes or frames that should not have come
  bool has_failed;  // whether any of this was ever more than none
} server;

/// Finds a server by its `name:port:pid[:socket.io]`.
server find_server(const char *description);

/// Its resident memory, in KiB.
long resident_kib(const server *it);

/// Asks it to collect garbage, and gives it the time to hand memory back.
void collect_garbage(const server *it);

/// The path that an echo is at.
const char *echo_path(const server *it);

/// Writes the path that subscribes to a topic.
void write_topic_path(const server *it, long topic, char *path, size_t size);

/// Writes a message as this server wants it: masked, as the client sends it, or plain, as it comes
/// back; returns its length, which is at most that of the text and `MESSAGE_OVERHEAD`.
typedef size_t frame_writer(unsigned char *out, enum opcode opcode, const void *payload,
                            size_t length);
size_t write_message(const server *it, frame_writer *write, unsigned char *out, enum opcode opcode,
                     const void *payload, size_t length);

enum { MESSAGE_OVERHEAD = 64 };
