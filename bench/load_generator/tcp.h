// TCP connections to this machine.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/// Connects to a port of 127.0.0.1. With a receive buffer of 0 the system picks one.
int connect_tcp(int port, int receive_buffer);

/// Starts to connect; the socket is writable once connected.
int begin_connect_tcp(int port);

/// Writes all bytes, and waits if necessary; false if the connection has ended or stays full.
bool send_all(int fd, const void *bytes, size_t length);

void make_nonblocking(int fd);

/// Resets a connection, so that no port stays in TIME_WAIT.
void reset_tcp(int fd);
