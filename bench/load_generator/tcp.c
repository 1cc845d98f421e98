#include "tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "fail.h"

enum { TIMEOUT_MS = 5000 };

static int open_tcp(int port, int flags, int receive_buffer) {
  const int fd = socket(AF_INET, SOCK_STREAM | flags, 0);
  if (fd < 0) fail("Cannot open a socket: is `ulimit -n` too low? %m");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) {
    fail("Cannot connect to port %d: %m", port);
  }
  return fd;
}

int connect_tcp(int port, int receive_buffer) { return open_tcp(port, 0, receive_buffer); }

int begin_connect_tcp(int port) { return open_tcp(port, SOCK_NONBLOCK, 0); }

bool send_all(int fd, const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    const ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
    if (sent >= 0) {
      at += sent;
      length -= sent;
    } else if (errno == EAGAIN) {
      struct pollfd writable = {.fd = fd, .events = POLLOUT};
      if (poll(&writable, 1, TIMEOUT_MS) == 0) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void make_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

void reset_tcp(int fd) {
  const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}
