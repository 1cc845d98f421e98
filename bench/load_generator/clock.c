#include "clock.h"

#include <stdio.h>
#include <unistd.h>

#include "fail.h"

double seconds_of(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time)) fail("Cannot read a clock: has a server ended? %m");
  return time.tv_sec + time.tv_nsec * 1e-9;
}

double machine_cpu_time(void) {
  FILE *stat = fopen("/proc/stat", "r");
  long user = 0, nice = 0, system = 0, idle, wait, interrupts = 0, soft_interrupts = 0;
  if (!stat) fail("Cannot read the time of the machine: %m");
  if (fscanf(stat, "cpu %ld %ld %ld %ld %ld %ld %ld", &user, &nice, &system, &idle, &wait,
             &interrupts, &soft_interrupts) < 7) {
    fail("Cannot read the time of the machine");
  }
  fclose(stat);
  return (double)(user + nice + system + interrupts + soft_interrupts) / sysconf(_SC_CLK_TCK);
}

void sleep_seconds(double seconds) {
  struct timespec time = {.tv_sec = (time_t)seconds};
  time.tv_nsec = (long)((seconds - time.tv_sec) * 1e9);
  nanosleep(&time, NULL);
}
