// What the command line says.
#pragma once
#include <stdbool.h>

enum { MAX_SERVERS = 8, MAX_STEPS = 8 };

typedef struct {
  const char *scenario;

  // Every scenario that is measured in windows.
  long window;    // milliseconds each
  long rounds;    // windows of each server
  long warmup;    // rounds before the first that counts
  long patience;  // milliseconds after which a message is lost

  long connections;  // echo: connections
  long size;         // echo, publish, slow: bytes of a message
  long depth;        // echo: messages in flight on each connection
  long binary;       // echo: binary messages instead of text

  long subscribers;  // publish, slow
  long topics;       // publish: the subscribers are spread over so many
  long times;        // publish: how often the server publishes for one message, in one turn
  long in_flight;    // publish: messages to publish that are under way at a time
  long publishers;   // publish: connections that these come from, in turn
  long deflate;      // publish: offers permessage-deflate, and insists on it

  long parallel;  // handshakes: under way at a time

  long steps[MAX_STEPS];  // idle: connections at which memory is read, ascending
  int step_count;

  long slow;     // slow: subscribers that stop reading
  long rate;     // slow: messages a second
  long warming;  // slow: seconds in which everybody reads
  long seconds;  // slow: seconds in which some do not

  const char *servers[MAX_SERVERS];  // as given: name:port:pid[:socket.io]
  int server_count;
} options;

options parse_options(int count, char **words);
