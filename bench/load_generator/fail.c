#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("load generator: ", stderr);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(2);
}

void *allocate(unsigned long count, unsigned long size) {
  void *memory = calloc(count, size);
  if (!memory) fail("Cannot allocate %lu times %lu bytes", count, size);
  return memory;
}
