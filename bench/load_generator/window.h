// A period in which one server is measured, and its report.
#pragma once
#include <stdbool.h>

#include "options.h"
#include "server.h"

typedef struct {
  server *server;
  double deadline;  // no message is sent from here on
  double give_up_at;  // messages that are missing by then are lost
  double began, server_cpu, own_cpu, machine_cpu;
} window;

/// Milliseconds to wait for surplus messages, after the expected messages.
enum { SURPLUS_MS = 5 };

window begin_window(server *of, const options *how);

/// Prints a line of JSON. Rounds under 1 are for warming up, and print errors only.
void report_window(window *it, const options *how, long round, long messages);

/// Prints the errors since the last report, as members of a JSON object, and resets them.
void print_errors(server *of);

/// Measures all servers in turn, round after round: A B C A B C… Skips servers that failed.
void measure_in_turn(server *servers, const options *how,
                   void (*measure)(server *, const options *, long round));
