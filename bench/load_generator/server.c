#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "tcp.h"

server find_server(const char *description) {
  server it = {0};
  char protocol[16] = "";
  int pid = 0;
  if (sscanf(description, "%31[^:]:%d:%d:%15s", it.name, &it.port, &pid, protocol) < 3) {
    fail("Cannot read %s: a server is name:port:pid", description);
  }
  it.pid = pid;
  it.speaks_socket_io = !strcmp(protocol, "socket.io");
  it.speaks_sse = !strcmp(protocol, "sse");
  if (clock_getcpuclockid(it.pid, &it.clock)) fail("Cannot find the process of %s", it.name);
  it.epoll = epoll_create1(0);
  if (it.epoll < 0) fail("Cannot make an epoll");
  return it;
}

long resident_kib(const server *it) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", (int)it->pid);
  FILE *status = fopen(path, "r");
  if (!status) fail("Cannot read the memory of %s", it->name);
  long kib = 0;
  while (fgets(line, sizeof line, status)) {
    if (sscanf(line, "VmRSS: %ld", &kib) == 1) break;
  }
  fclose(status);
  return kib;
}

/// Makes a server collect garbage, by a plain HTTP request.
static void request_collection(const server *it) {
  char answer[4096];
  const char request[] = "GET /collect HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  const int fd = connect_tcp(it->port, 0);
  send_all(fd, request, sizeof request - 1);
  const ssize_t length = recv(fd, answer, sizeof answer - 1, 0);
  answer[length > 0 ? length : 0] = 0;
  if (!strstr(answer, " 200 ")) fail("%s did not collect garbage: %s", it->name, answer);
  close(fd);
}

void collect_garbage(const server *it) {
  // Twice, because finalizers of the first run free more memory, and pages return with a delay.
  for (int i = 0; i < 2; i++) {
    request_collection(it);
    sleep_seconds(0.2);
  }
}

static const char SOCKET_IO_PATH[] = "/socket.io/?EIO=4&transport=websocket";

const char *echo_path(const server *it) { return it->speaks_socket_io ? SOCKET_IO_PATH : "/echo"; }

void write_topic_path(const server *it, long topic, char *path, size_t size) {
  if (it->speaks_socket_io) snprintf(path, size, "%s&topic=%05ld", SOCKET_IO_PATH, topic);
  else snprintf(path, size, "/topics?topic=%05ld", topic);
}

size_t write_message(const server *it, frame_writer *write, unsigned char *out, enum opcode opcode,
                     const void *payload, size_t length) {
  if (!it->speaks_socket_io) return write(out, opcode, payload, length);
  // A message of Engine.IO (4) that holds an event of Socket.IO (2) with one argument. Our texts
  // need no escapes.
  unsigned char *packet = allocate(1, length + MESSAGE_OVERHEAD);
  const int size =
      sprintf((char *)packet, "42[\"m\",\"%.*s\"]", (int)length, (const char *)payload);
  const size_t written = write(out, opcode, packet, size);
  free(packet);
  return written;
}
