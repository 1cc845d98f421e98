// The scenarios. Each prints lines of JSON.
#pragma once
#include "options.h"
#include "server.h"

/// The server echoes messages.
void run_echo(server *servers, const options *how);
/// The server sends the messages of a few publishers to all subscribers of a topic.
void run_publish(server *servers, const options *how);
/// Clients send messages by POST requests, beside a stream of events.
void run_posts(server *servers, const options *how);
/// Clients connect, and disconnect at once.
void run_handshakes(server *servers, const options *how);
/// Clients connect, and stay silent.
void run_idle(server *servers, const options *how);
/// Some subscribers stop reading.
void run_slow(server *servers, const options *how);
