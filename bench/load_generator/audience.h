// Subscribers of one server, and those who publish to them.
#pragma once
#include "connection.h"
#include "options.h"

/// What the numbers in a message can say.
enum { MAX_TOPICS = 99999, MAX_TIMES = 99 };

typedef struct {
  server *server;
  connection *subscribers, *publishers;
  long subscriber_count, publisher_count, topic_count;
  long size;       // bytes of a message
  long published;  // messages, ever: whose turn it is
  char *text;
  unsigned char *frame;
} audience;

/// Connects everybody: subscriber i listens to topic i modulo their number. The first ones, as many
/// as `how` calls slow, get a small receive buffer.
audience gather_audience(server *at, const options *how);

/// Makes sure that each topic reaches all of its subscribers, once, with the right bytes.
void check_audience(audience *it, const options *how);

/// The topics in an order that jumps about, the same for every server.
long next_topic(const audience *it);

/// Has a topic told something, so many times in one turn of the server.
void publish(audience *it, long topic, long times);
