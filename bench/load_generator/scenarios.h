// What can be measured. Each prints lines of JSON.
#pragma once
#include "options.h"
#include "server.h"

/// Messages come back as they went.
void run_echo(server *servers, const options *how);
/// Messages of a few go to all subscribers of a topic.
void run_publish(server *servers, const options *how);
/// Messages come by requests, beside a stream of events.
void run_posts(server *servers, const options *how);
/// Clients come, and leave at once.
void run_handshakes(server *servers, const options *how);
/// Clients come, and say nothing.
void run_idle(server *servers, const options *how);
/// Some subscribers stop reading.
void run_slow(server *servers, const options *how);
