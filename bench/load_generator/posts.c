#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "connection.h"
#include "fail.h"
#include "handshake.h"
#include "scenarios.h"
#include "tcp.h"
#include "text.h"
#include "window.h"

enum { MAX_EVENTS = 256, TIMEOUT_MS = 2000 };

/// A stream of events, and a second connection that posts messages one after the other.
typedef struct {
  connection stream;
  int fd;
  long sequence;
  size_t length;
  char response[MAX_RESPONSE];
} client;

typedef struct {
  server *server;
  client *clients;
  int epoll;  // over the second connections
  long posted;
} posting;

static posting postings[MAX_SERVERS];

static void prepare(posting *it, server *of, const options *how) {
  char path[128];
  it->server = of;
  it->epoll = epoll_create1(0);
  it->clients = allocate(how->connections, sizeof *it->clients);
  write_topic_path(of, 0, path, sizeof path);
  for (long i = 0; i < how->connections; i++) {
    client *each = &it->clients[i];
    open_stream(&each->stream, of, path);
    each->fd = connect_tcp(of->port, 0);
    make_nonblocking(each->fd);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = each};
    epoll_ctl(it->epoll, EPOLL_CTL_ADD, each->fd, &event);
  }
}

static void post(posting *it, client *by, const char *text, size_t size) {
  char request[MAX_POST + 4096], headers[MAX_TOKEN + 96] = "";
  const session_token *token = &by->stream.token;
  if (token->header) {
    snprintf(headers, sizeof headers, "%s: %s\r\nonepeer-sequence: %ld\r\n", token->header,
             token->value, ++by->sequence);
  }
  it->posted++;
  by->length = 0;
  if (!send_all(by->fd, request,
                write_post(request, it->server->port, "/post", headers, text, size))) {
    it->server->lost++;
  }
}

/// Whether the response is complete.
static bool is_complete(const char *response) {
  const char *end = end_of_response(response);
  if (!end) return false;
  if (!strncmp(response, "HTTP/1.1 204", 12)) return true;
  const char *length = strcasestr(response, "\r\ncontent-length:");
  if (length && length < end) return strlen(end) >= strtoul(length + 17, NULL, 10);
  return strstr(end, "0\r\n\r\n") != NULL;  // chunked
}

/// Reads bytes; true once the response is complete.
static bool read_response(server *of, client *it) {
  const size_t room = sizeof it->response - 1 - it->length;
  const ssize_t got = recv(it->fd, it->response + it->length, room, 0);
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) fail("%s ended a connection", of->name);
  of->bytes += got;
  it->length += got;
  it->response[it->length] = 0;
  if (!is_complete(it->response)) return false;
  if (strncmp(it->response, "HTTP/1.1 20", 11)) fail("%s refused: %s", of->name, it->response);
  return true;
}

static void measure(server *of, const options *how, long round) {
  struct epoll_event events[MAX_EVENTS];
  posting *it = postings;
  while (it->server != of) it++;
  char *text = allocate(1, how->size + 1);
  fill_text(text, how->size);
  long answered = 0, live = how->connections;
  window measured = begin_window(of, how);
  for (long i = 0; i < live; i++) post(it, &it->clients[i], text, how->size);
  while (live > 0) {
    const int count = epoll_wait(it->epoll, events, MAX_EVENTS, TIMEOUT_MS);
    if (count == 0) break;
    for (int i = 0; i < count; i++) {
      client *each = events[i].data.ptr;
      if (!read_response(of, each)) continue;
      answered++;
      if (wall_time() < measured.deadline) post(it, each, text, how->size);
      else live--;
    }
  }
  of->lost += live;
  report_window(&measured, how, round, answered);
  free(text);
}

/// Checks that the hook of the server has received every message.
static void check_received(const posting *it) {
  char request[MAX_REQUEST], answer[MAX_RESPONSE] = "";
  const int fd = connect_tcp(it->server->port, 0);
  send_all(fd, request, write_get(request, it->server->port, "/received", ""));
  for (size_t length = 0; !is_complete(answer);) {
    const ssize_t got = recv(fd, answer + length, sizeof answer - 1 - length, 0);
    if (got <= 0) fail("%s does not report its received messages", it->server->name);
    length += got;
    answer[length] = 0;
  }
  const char *received = strstr(answer, "received ");
  if (!received || strtol(received + 9, NULL, 10) != it->posted) {
    fail("%s got %ld messages, but reports: %s", it->server->name, it->posted, answer);
  }
}

void run_posts(server *servers, const options *how) {
  for (int i = 0; i < how->server_count; i++) prepare(&postings[i], &servers[i], how);
  sleep_seconds(0.3);  // some servers open a session after the response
  measure_in_turn(servers, how, measure);
  for (int i = 0; i < how->server_count; i++) check_received(&postings[i]);
}
