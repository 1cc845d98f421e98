// Times in seconds: of the wall, of this process, of a server's process, of the machine.
#pragma once
#include <time.h>

double seconds_of(clockid_t clock);

static inline double wall_time(void) { return seconds_of(CLOCK_MONOTONIC); }
static inline double own_cpu_time(void) { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

/// CPU time of everything that runs on this machine; it ticks every few milliseconds only.
double machine_cpu_time(void);

void sleep_seconds(double seconds);
