#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "connection.h"
#include "fail.h"
#include "scenarios.h"
#include "text.h"
#include "window.h"

/// Frames that all connections of one server send.
typedef struct {
  server *server;
  connection *connections;
  unsigned char *frames;  // the frames in flight, one after the other
  size_t frame_length;
} echo;

static echo echoes[MAX_SERVERS];

static void prepare(echo *it, server *of, const options *how) {
  const enum opcode opcode = how->binary ? BINARY : TEXT;
  char *payload = allocate(1, how->size);
  fill_text(payload, how->size);
  const size_t most = how->size + MAX_HEADER + MESSAGE_OVERHEAD;
  it->server = of;
  it->frames = allocate(how->depth, most);
  it->frame_length = write_message(of, write_masked_frame, it->frames, opcode, payload, how->size);
  for (long i = 1; i < how->depth; i++) {
    memcpy(it->frames + i * it->frame_length, it->frames, it->frame_length);
  }
  it->connections = allocate(how->connections, sizeof *it->connections);
  for (long i = 0; i < how->connections; i++) {
    open_connection(&it->connections[i], of, echo_path(of), (connection_options){0});
  }
  unsigned char *expected = allocate(1, most);
  const size_t length = write_message(of, write_plain_frame, expected, opcode, payload, how->size);
  send_frames(&it->connections[0], it->frames, it->frame_length);
  expect_bytes(&it->connections[0], expected, length);
  free(expected);
  free(payload);
}

typedef struct {
  const echo *echo;
  long depth;
  bool is_over;
  long messages, outstanding;
} round_trip;

/// Sends another message for each echo.
static void send_again(connection *it, long messages, void *context) {
  round_trip *trip = context;
  trip->messages += messages;
  trip->outstanding -= messages;
  if (trip->is_over || it->has_ended) return;
  if (messages > trip->depth) messages = trip->depth;  // surplus echoes are counted at the end
  send_frames(it, trip->echo->frames, trip->echo->frame_length * messages);
  trip->outstanding += messages;
}

static void measure(server *of, const options *how, long round) {
  const echo *it = echoes;
  while (it->server != of) it++;
  round_trip trip = {
      .echo = it,
      .depth = how->depth,
      .outstanding = how->connections * how->depth,
  };
  window measured = begin_window(of, how);
  for (long i = 0; i < how->connections; i++) {
    send_frames(&it->connections[i], it->frames, it->frame_length * how->depth);
  }
  while (trip.outstanding > 0 && !of->closed && wall_time() < measured.give_up_at) {
    trip.is_over = wall_time() >= measured.deadline;
    receive(of, 100, send_again, &trip);
  }
  trip.is_over = true;
  receive(of, SURPLUS_MS, send_again, &trip);
  if (trip.outstanding > 0) of->lost += trip.outstanding;
  else of->wrong -= trip.outstanding;
  report_window(&measured, how, round, trip.messages);
}

void run_echo(server *servers, const options *how) {
  for (int i = 0; i < how->server_count; i++) prepare(&echoes[i], &servers[i], how);
  measure_in_turn(servers, how, measure);
}
