#define _GNU_SOURCE
#include "event_stream.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "handshake.h"
#include "tcp.h"

/// Response headers with a session token, which later requests repeat.
static const char *const TOKENS[] = {"onepeer-session", "x-crossws-id"};

static session_token find_token(const char *response) {
  session_token it = {0};
  for (size_t i = 0; i < sizeof TOKENS / sizeof *TOKENS; i++) {
    char name[32];
    snprintf(name, sizeof name, "\r\n%s:", TOKENS[i]);
    const char *found = strcasestr(response, name);
    if (found && sscanf(found + strlen(name), " %127[^\r]", it.value) == 1) it.header = TOKENS[i];
  }
  return it;
}

session_token begin_event_stream(const server *to, int fd, const char *path) {
  char request[MAX_REQUEST], response[MAX_RESPONSE];
  send_all(fd, request, write_get(request, to->port, path, "Accept: text/event-stream\r\n"));
  for (;;) {
    const ssize_t there = recv(fd, response, sizeof response - 1, MSG_PEEK);
    if (there <= 0) fail("%s has not answered a request for events", to->name);
    response[there] = 0;
    const char *end = end_of_response(response);
    if (!end && (size_t)there == sizeof response - 1) fail("The response is too long");
    if (!end) continue;
    if (recv(fd, response, end - response, 0) != end - response) fail("A response was cut");
    response[end - response] = 0;
    if (strncmp(response, "HTTP/1.1 200", 12)) fail("%s refused: %s", to->name, response);
    return find_token(response);
  }
}

long count_events(const unsigned char *at, const unsigned char *end, const char *text,
                  size_t *matched) {
  static const char field[] = "\ndata: ";
  const size_t head = sizeof field - 1, whole = head + strlen(text);
  long events = 0;
  size_t so_far = *matched;
  for (; at < end; at++) {
    const char wanted = so_far < head ? field[so_far] : so_far < whole ? text[so_far - head] : '\n';
    if (*at != wanted) so_far = *at == '\n';
    else if (so_far++ == whole) {
      events++;
      so_far = 1;  // the end of this line begins the next one
    }
  }
  *matched = so_far;
  return events;
}
