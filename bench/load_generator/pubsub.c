#include "pubsub.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "fail.h"
#include "handshake.h"
#include "text.h"

// Publishers subscribe to a topic without messages, because uWebSockets.js lets only subscribers
// publish.
enum { UNUSED_TOPIC = MAX_TOPICS };
enum { SMALL_BUFFER = 4096, SHORTEST = 16, SETTLING_MS = 300 };

pubsub connect_pubsub(server *at, const options *how) {
  pubsub it = {
      .server = at,
      .subscriber_count = how->subscribers,
      .publisher_count = how->publishers,
      .topic_count = how->topics,
      .size = how->size > SHORTEST ? how->size : SHORTEST,
  };
  it.text = allocate(1, it.size + 1);
  it.frame = allocate(1, it.size + MAX_HEADER + MESSAGE_OVERHEAD + MAX_POST);
  fill_text(it.text, it.size);
  at->text = it.text;
  it.subscribers = allocate(it.subscriber_count, sizeof *it.subscribers);
  it.publishers = allocate(it.publisher_count, sizeof *it.publishers);
  for (long i = 0; i < it.subscriber_count; i++) {
    const connection_options settings = {
        .receive_buffer = i < how->slow ? SMALL_BUFFER : 0,
        .offers_deflate = how->deflate,
    };
    char path[128];
    write_topic_path(at, i % it.topic_count, path, sizeof path);
    if (at->speaks_sse) open_stream(&it.subscribers[i], at, path);
    else open_connection(&it.subscribers[i], at, path, settings);
  }
  char unused[128];
  write_topic_path(at, UNUSED_TOPIC, unused, sizeof unused);
  for (long i = 0; i < it.publisher_count; i++) {
    if (at->speaks_sse) open_stream(&it.publishers[i], at, NULL);
    else open_connection(&it.publishers[i], at, unused, (connection_options){0});
  }
  receive(at, SETTLING_MS, NULL, NULL);  // a subscription may be asynchronous
  return it;
}

/// Writes a command: `p00042x10` publishes the text to topic 42 ten times (`servers/protocol.ts`).
static void write_command(pubsub *it, long topic, long times) {
  char command[32];
  snprintf(command, sizeof command, "p%05ldx%02ld", topic, times);
  for (int i = 0; command[i]; i++) it->text[i] = command[i];
}

void publish(pubsub *it, long topic, long times) {
  write_command(it, topic, times);
  const size_t length =
      it->server->speaks_sse
          ? write_post((char *)it->frame, it->server->port, "/publish", "", it->text, it->size)
          : write_message(it->server, write_masked_frame, it->frame, TEXT, it->text, it->size);
  send_frames(&it->publishers[it->published++ % it->publisher_count], it->frame, length);
}

long next_topic(const pubsub *it) { return it->published * 389 % it->topic_count; }

static void check_bytes(pubsub *it) {
  unsigned char *expected = allocate(1, it->size + MAX_HEADER + MESSAGE_OVERHEAD);
  publish(it, 0, 1);
  const size_t length =
      write_message(it->server, write_plain_frame, expected, TEXT, it->text, it->size);
  for (long i = 0; i < it->subscriber_count; i += it->topic_count) {
    expect_bytes(&it->subscribers[i], expected, length);
  }
  free(expected);
}

static void count(connection *it, long messages, void *context) {
  (void)it;
  *(long *)context += messages;
}

void check_pubsub(pubsub *it, const options *how) {
  // The server chooses the form of compressed messages, and `count_events` compares events.
  if (!how->deflate && !it->server->speaks_sse) check_bytes(it);
  long received = 0;
  const double give_up_at = wall_time() + how->timeout / 1000.0;
  for (long topic = 0; topic < it->topic_count; topic++) publish(it, topic, 1);
  while (received < it->subscriber_count && wall_time() < give_up_at) {
    receive(it->server, 100, count, &received);
  }
  receive(it->server, 50, count, &received);  // finds surplus messages
  for (long i = 0; i < it->subscriber_count; i++) {
    const connection *each = &it->subscribers[i];
    if (each->received != 1) {
      fail("%s: subscriber %ld got %ld messages instead of 1", it->server->name, i, each->received);
    }
    if (how->deflate && !each->is_compressed) {
      fail("%s: subscriber %ld got a message that is not compressed", it->server->name, i);
    }
  }
}
