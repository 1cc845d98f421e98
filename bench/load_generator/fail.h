// The end of a run that cannot go on.
#pragma once

/// Says what went wrong, in the words of `printf`, and exits with 2.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// `calloc` that fails loudly.
void *allocate(unsigned long count, unsigned long size);
