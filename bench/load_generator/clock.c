#include "clock.h"

#include "fail.h"

double seconds_of(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time)) fail("Cannot read a clock: has a server ended? %m");
  return time.tv_sec + time.tv_nsec * 1e-9;
}

void sleep_seconds(double seconds) {
  struct timespec time = {.tv_sec = (time_t)seconds};
  time.tv_nsec = (long)((seconds - time.tv_sec) * 1e9);
  nanosleep(&time, NULL);
}
