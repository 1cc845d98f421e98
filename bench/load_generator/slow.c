#include <stdio.h>

#include "audience.h"
#include "clock.h"
#include "fail.h"
#include "scenarios.h"
#include "window.h"

enum { SAMPLE_MS = 250, DRAINING_S = 6, QUIET_LOOKS = 10 };

typedef struct {
  audience audience;
  const connection *first_fast;
  long published, fast, slow;  // messages; the last two as received
} crowd;

static void count(connection *it, long messages, void *context) {
  crowd *all = context;
  if (it >= all->first_fast) all->fast += messages;
  else all->slow += messages;
}

/// How many messages those who read have not got yet.
static long behind(const crowd *it, const options *how) {
  return it->published * (it->audience.subscriber_count - how->slow) - it->fast;
}

/// Memory says something of slow readers only where the server keeps pace with the others.
static void print_sample(const crowd *it, const options *how, double time) {
  const server *of = it->audience.server;
  printf("{\"scenario\":\"slow\",\"name\":\"%s\",\"time\":%.2f,\"rssKib\":%ld,\"behind\":%.3f}\n",
         of->name, time, resident_kib(of),
         (double)behind(it, how) / it->audience.subscriber_count / how->rate);
  fflush(stdout);
}

/// Publishes at an even pace from one time to another, in seconds since `zero`.
static void publish_for(crowd *it, const options *how, double zero, double from, double to) {
  server *of = it->audience.server;
  double next = from, sample = from;
  for (double now; (now = wall_time() - zero) < to;) {
    if (now >= sample) {
      print_sample(it, how, now);
      sample += SAMPLE_MS / 1000.0;
    }
    for (; next <= now; next += 1.0 / how->rate) {
      publish(&it->audience, 0, 1);
      it->published++;
    }
    const int wait = (next - now) * 1000;
    hear(of, wait > 0 ? wait : 0, count, it);
  }
}

/// Reads what is left, and the slow ones' share too, until nothing more comes.
static void drain(crowd *it, const options *how) {
  server *of = it->audience.server;
  const double end = wall_time() + DRAINING_S;
  for (long i = 0; i < how->slow; i++) start_reading(&it->audience.subscribers[i]);
  for (int quiet = 0; quiet < QUIET_LOOKS && wall_time() < end;) {
    const long bytes = of->bytes;
    hear(of, 100, count, it);
    quiet = of->bytes == bytes ? quiet + 1 : 0;
  }
}

/// Who of the slow ones was closed, by code; 0 stands for a line that just dropped.
static void print_end(const crowd *it, const options *how) {
  const char *separator = "";
  const audience *of = &it->audience;
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

static void starve(server *of, const options *how) {
  crowd it = {.audience = gather_audience(of, how)};
  it.first_fast = it.audience.subscribers + how->slow;
  check_audience(&it.audience, how);
  const double zero = wall_time() + how->warming;
  publish_for(&it, how, zero, -how->warming, 0);
  for (long i = 0; i < how->slow; i++) {
    it.audience.subscribers[i].may_end = true;
    stop_reading(&it.audience.subscribers[i]);
  }
  publish_for(&it, how, zero, 0, how->seconds);
  drain(&it, how);
  const long missing = behind(&it, how);
  if (missing > 0) of->lost += missing;
  else of->wrong -= missing;
  collect_garbage(of);
  print_end(&it, how);
  for (long i = 0; i < it.audience.subscriber_count; i++) {
    drop_connection(&it.audience.subscribers[i]);
  }
}

void run_slow(server *servers, const options *how) {
  for (int i = 0; i < how->server_count; i++) starve(&servers[i], how);
}
