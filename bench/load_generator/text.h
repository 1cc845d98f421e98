// The text of messages.
#pragma once
#include <stddef.h>

/// Fills memory with random words of lower-case letters, which compress like prose.
void fill_text(char *text, size_t length);
