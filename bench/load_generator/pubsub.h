// Subscribers and publishers of one server.
#pragma once
#include "connection.h"
#include "options.h"

/// Largest numbers that fit into a command.
enum { MAX_TOPICS = 99999, MAX_TIMES = 99 };

typedef struct {
  server *server;
  connection *subscribers, *publishers;
  long subscriber_count, publisher_count, topic_count;
  long size;       // bytes of a message
  long published;  // messages so far, which selects the next publisher
  char *text;
  unsigned char *frame;
} pubsub;

/// Connects all clients: subscriber i has topic i modulo the number of topics. The first
/// `how->slow` subscribers get a small receive buffer.
pubsub connect_pubsub(server *at, const options *how);

/// Checks that a message to each topic reaches each subscriber once, with the right bytes.
void check_pubsub(pubsub *it, const options *how);

/// The topic of the next publish: a scattered order, the same for every server.
long next_topic(const pubsub *it);

/// Makes the server publish a message to a topic, `times` times in one turn.
void publish(pubsub *it, long topic, long times);
