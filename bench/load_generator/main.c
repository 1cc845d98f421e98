// Loads WebSocket servers on this machine, and measures their CPU time and memory. Uses one thread
// with epoll, masks frames in advance, and skips payloads. Prints a line of JSON for each window.
// Exits with 1 if a message was lost or wrong, or if a server closed a connection.

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "fail.h"
#include "scenarios.h"

/// Raises the limit of open files, as the default of 1,024 is too low for the scenarios.
static void raise_file_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **words) {
  const struct {
    const char *name;
    void (*run)(server *, const options *);
  } scenarios[] = {
      {"echo", run_echo}, {"publish", run_publish}, {"handshakes", run_handshakes},
      {"idle", run_idle}, {"posts", run_posts}, {"slow", run_slow},
  };
  server servers[MAX_SERVERS];
  const options how = parse_options(count, words);
  raise_file_limit();
  for (int i = 0; i < how.server_count; i++) servers[i] = find_server(how.servers[i]);
  for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
    if (strcmp(scenarios[i].name, how.scenario)) continue;
    scenarios[i].run(servers, &how);
    int status = 0;
    for (int j = 0; j < how.server_count; j++) {
      if (!servers[j].has_failed) continue;
      fprintf(stderr, "load generator: %s lost messages or connections\n", servers[j].name);
      status = 1;
    }
    return status;
  }
  fail("Cannot run %s: there is no such scenario", how.scenario);
}
