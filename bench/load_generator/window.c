#include "window.h"

#include <stdio.h>

#include "clock.h"

window begin_window(server *of, const options *how) {
  const double now = wall_time();
  const double deadline = now + how->window / 1000.0;
  of->bytes = 0;
  return (window){
      .server = of,
      .deadline = deadline,
      .give_up_at = deadline + how->timeout / 1000.0,
      .began = now,
      .server_cpu = seconds_of(of->clock),
      .own_cpu = own_cpu_time(),
      .machine_cpu = machine_cpu_time(),
  };
}

static bool has_errors(const server *it) { return it->lost || it->closed || it->wrong; }

void report_window(window *it, const options *how, long round, long messages) {
  const double wall = wall_time() - it->began;
  const double server_cpu = seconds_of(it->server->clock) - it->server_cpu;
  const double own_cpu = own_cpu_time() - it->own_cpu;
  const double machine_cpu = machine_cpu_time() - it->machine_cpu;
  if (round < 1 && !has_errors(it->server)) return;
  printf("{\"scenario\":\"%s\",\"name\":\"%s\",\"round\":%ld,\"wall\":%.6f,\"cpu\":%.6f,",
         how->scenario, it->server->name, round, wall, server_cpu);
  printf("\"ownCpu\":%.6f,\"machineCpu\":%.3f,", own_cpu, machine_cpu);
  printf("\"messages\":%ld,\"bytes\":%ld,", messages, it->server->bytes);
  print_errors(it->server);
  printf("}\n");
  fflush(stdout);
}

void print_errors(server *of) {
  of->has_failed |= has_errors(of);
  printf("\"lost\":%ld,\"closed\":%ld,\"wrong\":%ld", of->lost, of->closed, of->wrong);
  of->lost = of->closed = of->wrong = 0;
}

void measure_in_turn(server *servers, const options *how,
                   void (*measure)(server *, const options *, long round)) {
  for (long round = 1 - how->warmup; round <= how->rounds; round++) {
    for (int i = 0; i < how->server_count; i++) {
      if (!servers[i].has_failed) measure(&servers[i], how, round);
    }
  }
}
