// The options of the command line.
#pragma once
#include <stdbool.h>

enum { MAX_SERVERS = 8, MAX_STEPS = 8 };

typedef struct {
  const char *scenario;

  // For every scenario that is measured in windows:
  long window;    // milliseconds of each window
  long rounds;    // windows of each server
  long warmup;    // rounds before the measured ones
  long timeout;  // milliseconds after which a message is lost

  long connections;  // echo: connections
  long size;         // echo, publish, slow: bytes of a message
  long depth;        // echo: messages in flight on each connection
  long binary;       // echo: binary messages instead of text

  long subscribers;  // publish, slow
  long topics;       // publish: number of topics, with equally many subscribers
  long times;        // publish: publishes for each message, in one turn of the server
  long in_flight;    // publish: messages in flight at a time
  long publishers;   // publish: connections that send these messages in turn
  long deflate;      // publish: offers and requires permessage-deflate

  long parallel;  // handshakes: number at a time

  long steps[MAX_STEPS];  // idle: numbers of connections at which memory is read, ascending
  int step_count;

  long slow;     // slow: subscribers that stop reading
  long rate;     // slow: messages a second
  long warming;  // slow: seconds in which all subscribers read
  long seconds;  // slow: seconds in which the slow subscribers do not read

  const char *servers[MAX_SERVERS];  // as given: name:port:pid[:socket.io]
  int server_count;
} options;

options parse_options(int count, char **words);
