#include <stdio.h>

#include "pubsub.h"
#include "clock.h"
#include "fail.h"
#include "scenarios.h"
#include "window.h"

enum { SAMPLE_MS = 250, DRAINING_S = 6, QUIET_CHECKS = 10 };

typedef struct {
  pubsub clients;
  const connection *first_fast;
  long published, fast, slow;  // messages; the last two as received
} slow_run;

static void count(connection *it, long messages, void *context) {
  slow_run *all = context;
  if (it >= all->first_fast) all->fast += messages;
  else all->slow += messages;
}

/// Number of messages that the fast subscribers have not received yet.
static long behind(const slow_run *it, const options *how) {
  return it->published * (it->clients.subscriber_count - how->slow) - it->fast;
}

/// Prints memory and lateness. A late server holds more memory than its slow readers cost.
static void print_sample(const slow_run *it, const options *how, double time) {
  const server *of = it->clients.server;
  printf("{\"scenario\":\"slow\",\"name\":\"%s\",\"time\":%.2f,\"rssKib\":%ld,\"behind\":%.3f}\n",
         of->name, time, resident_kib(of),
         (double)behind(it, how) / it->clients.subscriber_count / how->rate);
  fflush(stdout);
}

/// Publishes at an even pace from one time to another, in seconds since `zero`.
static void publish_for(slow_run *it, const options *how, double zero, double from, double to) {
  server *of = it->clients.server;
  double next = from, sample = from;
  for (double now; (now = wall_time() - zero) < to;) {
    if (now >= sample) {
      print_sample(it, how, now);
      sample += SAMPLE_MS / 1000.0;
    }
    for (; next <= now; next += 1.0 / how->rate) {
      publish(&it->clients, 0, 1);
      it->published++;
    }
    const int wait = (next - now) * 1000;
    receive(of, wait > 0 ? wait : 0, count, it);
  }
}

/// Reads all remaining messages, also for the slow subscribers, until no more bytes arrive.
static void drain(slow_run *it, const options *how) {
  server *of = it->clients.server;
  const double end = wall_time() + DRAINING_S;
  for (long i = 0; i < how->slow; i++) start_reading(&it->clients.subscribers[i]);
  for (int quiet = 0; quiet < QUIET_CHECKS && wall_time() < end;) {
    const long bytes = of->bytes;
    receive(of, 100, count, it);
    quiet = of->bytes == bytes ? quiet + 1 : 0;
  }
}

/// Prints the close codes of the slow subscribers; 0 stands for a connection without a close frame.
static void print_end(const slow_run *it, const options *how) {
  const char *separator = "";
  const pubsub *of = &it->clients;
  printf("{\"scenario\":\"slow\",\"name\":\"%s\",\"published\":%ld,\"slowReceived\":%ld,",
         of->server->name, it->published, it->slow);
  printf("\"rssKib\":%ld,\"closeCodes\":[", resident_kib(of->server));
  for (long i = 0; i < how->slow; i++) {
    const connection *each = &of->subscribers[i];
    if (!each->has_ended && !each->close_code) continue;
    printf("%s%d", separator, each->close_code);
    separator = ",";
  }
  printf("],");
  print_errors(of->server);
  printf("}\n");
  fflush(stdout);
}

static void measure_slow(server *of, const options *how) {
  slow_run it = {.clients = connect_pubsub(of, how)};
  it.first_fast = it.clients.subscribers + how->slow;
  check_pubsub(&it.clients, how);
  const double zero = wall_time() + how->warming;
  publish_for(&it, how, zero, -how->warming, 0);
  for (long i = 0; i < how->slow; i++) {
    it.clients.subscribers[i].may_end = true;
    stop_reading(&it.clients.subscribers[i]);
  }
  publish_for(&it, how, zero, 0, how->seconds);
  drain(&it, how);
  const long missing = behind(&it, how);
  if (missing > 0) of->lost += missing;
  else of->wrong -= missing;
  collect_garbage(of);
  print_end(&it, how);
  for (long i = 0; i < it.clients.subscriber_count; i++) {
    drop_connection(&it.clients.subscribers[i]);
  }
}

void run_slow(server *servers, const options *how) {
  for (int i = 0; i < how->server_count; i++) measure_slow(&servers[i], how);
}
