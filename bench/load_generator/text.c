#include "text.h"

#include <stdint.h>

void fill_text(char *text, size_t length) {
  static const char *const words[] = {
      "the", "peers", "of",   "one",    "room",  "hear",   "each",  "message", "once", "and",
      "in",  "order", "with", "nobody", "after", "closed", "lines", "between", "them", "all",
  };
  uint32_t state = 1;  // of a linear congruential generator: the same text every time
  const char *word = "";
  for (size_t i = 0; i < length; i++) {
    if (*word) {
      text[i] = *word++;
      continue;
    }
    text[i] = ' ';
    state = state * 1664525 + 1013904223;
    word = words[(state >> 16) % (sizeof words / sizeof *words)];
  }
}
