#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "handshake.h"
#include "scenarios.h"
#include "tcp.h"
#include "window.h"

enum { MAX_EVENTS = 256, TIMEOUT_MS = 2000 };

/// A client that only performs the handshake.
typedef struct {
  int fd;
  bool has_sent_request;
  size_t length;
  char response[MAX_RESPONSE];
} handshake_client;

static void watch(const server *of, handshake_client *it, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = it};
  epoll_ctl(of->epoll, operation, it->fd, &event);
}

static void start_handshake(const server *of, handshake_client *it) {
  it->fd = begin_connect_tcp(of->port);
  it->has_sent_request = false;
  it->length = 0;
  watch(of, it, EPOLL_CTL_ADD, EPOLLOUT);
}

static void send_request(const server *of, handshake_client *it, const char *request,
                         size_t length) {
  send_all(it->fd, request, length);
  it->has_sent_request = true;
  watch(of, it, EPOLL_CTL_MOD, EPOLLIN);
}

/// Reads bytes; true once the response is complete, or the server has ended the connection.
static bool read_handshake_response(server *of, handshake_client *it, long *accepted) {
  const size_t room = sizeof it->response - 1 - it->length;
  const ssize_t got = recv(it->fd, it->response + it->length, room, 0);
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) {
    of->closed++;
    return true;
  }
  of->bytes += got;
  it->length += got;
  it->response[it->length] = 0;
  if (!end_of_response(it->response)) return false;
  if (is_accepted(it->response)) ++*accepted;
  else of->wrong++;
  return true;
}

static void measure(server *of, const options *how, long round) {
  static handshake_client clients[1024];
  struct epoll_event events[MAX_EVENTS];
  char request[MAX_REQUEST];
  const size_t length =
      write_request(request, of->port, "/echo?room=lobby&token=0123456789", false);
  long accepted = 0, live = how->parallel;
  window measured = begin_window(of, how);
  for (long i = 0; i < live; i++) start_handshake(of, &clients[i]);
  while (live > 0) {
    const int count = epoll_wait(of->epoll, events, MAX_EVENTS, TIMEOUT_MS);
    if (count == 0) break;
    for (int i = 0; i < count; i++) {
      handshake_client *it = events[i].data.ptr;
      if (!it->has_sent_request) {
        send_request(of, it, request, length);
      } else if (read_handshake_response(of, it, &accepted)) {
        reset_tcp(it->fd);
        if (wall_time() < measured.deadline) start_handshake(of, it);
        else live--;
      }
    }
  }
  of->lost += live;
  sleep_seconds(0.05);  // the server's work includes the disconnects of the last clients
  report_window(&measured, how, round, accepted);
}

void run_handshakes(server *servers, const options *how) { measure_in_turn(servers, how, measure); }
