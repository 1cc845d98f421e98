// Times in seconds: of the wall, of this process, of a server's process.
#pragma once
#include <time.h>

double seconds_of(clockid_t clock);

static inline double wall_time(void) { return seconds_of(CLOCK_MONOTONIC); }
static inline double own_cpu_time(void) { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

void sleep_seconds(double seconds);
