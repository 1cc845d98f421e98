#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "connection.h"
#include "fail.h"
#include "scenarios.h"
#include "window.h"

enum { WARM_UP_CLIENTS = 500 };
static const char PATH[] = "/echo?room=lobby&token=0123456789";

/// Receives and answers pings for some seconds.
static void receive_for(server *of, double seconds) {
  for (const double end = wall_time() + seconds; wall_time() < end;) receive(of, 20, NULL, NULL);
}

/// Connects some clients first, so that the server has compiled and cached its code.
static void warm_up(server *of) {
  connection *first = allocate(WARM_UP_CLIENTS, sizeof *first);
  for (int i = 0; i < WARM_UP_CLIENTS; i++) {
    open_connection(&first[i], of, PATH, (connection_options){0});
  }
  receive_for(of, 0.1);
  for (int i = 0; i < WARM_UP_CLIENTS; i++) drop_connection(&first[i]);
  receive_for(of, 0.2);
  free(first);
}

static void measure_idle(server *of, const options *how) {
  const long most = how->steps[how->step_count - 1];
  connection *clients = allocate(most, sizeof *clients);
  long count = 0;
  warm_up(of);
  for (int step = 0; step < how->step_count; step++) {
    for (; count < how->steps[step]; count++) {
      open_connection(&clients[count], of, PATH, (connection_options){0});
      if (count % 500 == 0) receive(of, 0, NULL, NULL);
    }
    receive_for(of, 0.3);
    collect_garbage(of);
    receive_for(of, 0.1);
    printf("{\"scenario\":\"idle\",\"name\":\"%s\",\"connections\":%ld,\"rssKib\":%ld,", of->name,
           count, resident_kib(of));
    print_errors(of);
    printf("}\n");
    fflush(stdout);
  }
  for (long i = 0; i < most; i++) drop_connection(&clients[i]);
  free(clients);
}

void run_idle(server *servers, const options *how) {
  for (int i = 0; i < how->server_count; i++) measure_idle(&servers[i], how);
}
