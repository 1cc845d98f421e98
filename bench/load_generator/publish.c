#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pubsub.h"
#include "clock.h"
#include "fail.h"
#include "scenarios.h"
#include "window.h"

static pubsub groups[MAX_SERVERS];

static void count(connection *it, long messages, void *context) {
  (void)it;
  *(long *)context += messages;
}

static void measure(server *of, const options *how, long round) {
  pubsub *it = groups;
  while (it->server != of) it++;
  const long each = it->subscriber_count / how->topics * how->times;  // copies of one message
  long expected = 0, received = 0;
  window measured = begin_window(of, how);
  for (double now = measured.began; now < measured.give_up_at && !of->closed; now = wall_time()) {
    if (now < measured.deadline) {
      while (expected - received <= (how->in_flight - 1) * each) {
        publish(it, next_topic(it), how->times);
        expected += each;
      }
    } else if (received >= expected) {
      break;
    }
    receive(of, 100, count, &received);
  }
  receive(of, SURPLUS_MS, count, &received);
  if (received < expected) of->lost += expected - received;
  else of->wrong += received - expected;
  report_window(&measured, how, round, received);
}

void run_publish(server *servers, const options *how) {
  if (how->subscribers % how->topics) fail("The subscribers do not spread evenly over the topics");
  if (how->topics > MAX_TOPICS || how->times > MAX_TIMES) {
    fail("--topics or --times is too large for a message");
  }
  for (int i = 0; i < how->server_count; i++) {
    groups[i] = connect_pubsub(&servers[i], how);
    check_pubsub(&groups[i], how);
  }
  measure_in_turn(servers, how, measure);
}
