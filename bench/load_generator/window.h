// A stretch of time in which one server is measured, and the line that reports it.
#pragma once
#include <stdbool.h>

#include "options.h"
#include "server.h"

typedef struct {
  server *server;
  double deadline;  // no message is sent from here on
  double patience;  // what has not come by then is lost
  double began, server_cpu, own_cpu, machine_cpu;
} window;

/// How long to wait for messages that should not come, after those that should.
enum { SURPLUS_MS = 5 };

window begin_window(server *of, const options *how);

/// Prints a line of JSON. Rounds under 1 are for warming up: only their errors are told.
void report_window(window *it, const options *how, long round, long messages);

/// The errors since the last report, as members of a JSON object; forgets them.
void print_errors(server *of);

/// Visits all servers in turn, round after round: A B C A B C… One that failed is left out.
void visit_in_turn(server *servers, const options *how,
                   void (*visit)(server *, const options *, long round));
