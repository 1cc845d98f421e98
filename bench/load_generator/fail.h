// Ends a run that cannot continue.
#pragma once

/// Prints an error with the format of `printf`, and exits with 2.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Calls `calloc`; ends the run if there is no memory.
void *allocate(unsigned long count, unsigned long size);
