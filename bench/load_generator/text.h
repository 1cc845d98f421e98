// What messages are made of.
#pragma once
#include <stddef.h>

/// Fills memory with words in no order: small letters and spaces, which compress like prose.
void fill_text(char *text, size_t length);
