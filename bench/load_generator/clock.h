// Times in seconds: wall time, and the CPU time of this process, a server, or the machine.
#pragma once
#include <time.h>

double seconds_of(clockid_t clock);

static inline double wall_time(void) { return seconds_of(CLOCK_MONOTONIC); }
static inline double own_cpu_time(void) { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

/// CPU time of all programs of this machine, with a resolution of a few milliseconds.
double machine_cpu_time(void);

void sleep_seconds(double seconds);
