// Lines to this machine.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/// Connects to a port of 127.0.0.1. With a receive buffer of 0 the system picks one.
int connect_tcp(int port, int receive_buffer);

/// Starts to connect; the line is writable once it is there.
int begin_connect_tcp(int port);

/// Writes everything, waiting where it must; false where the line is gone or stays full.
bool send_all(int fd, const void *bytes, size_t length);

void make_nonblocking(int fd);

/// Ends a line by a reset, so that no port lies in TIME_WAIT.
void reset_tcp(int fd);
