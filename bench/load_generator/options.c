#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"

/// The number of `--name=number`; 1 for `--name` alone.
static long number_of(const char *word, const char *value) {
  if (!value) return 1;
  char *end;
  const long number = strtol(value, &end, 10);
  if (end == value || *end || number < 0) fail("Cannot read the number in %s", word);
  return number;
}

static void read_steps(options *it, const char *value) {
  char *end = (char *)value;
  it->step_count = 0;
  while (it->step_count < MAX_STEPS) {
    it->steps[it->step_count++] = strtol(end, &end, 10);
    if (*end != ',') break;
    end++;
  }
  if (*end) fail("Cannot read the steps %s", value);
}

static void set_option(options *it, const char *word) {
  const struct {
    const char *name;
    long *place;
  } numbers[] = {
      {"window", &it->window},
      {"rounds", &it->rounds},
      {"warmup", &it->warmup},
      {"timeout", &it->timeout},
      {"connections", &it->connections},
      {"size", &it->size},
      {"depth", &it->depth},
      {"binary", &it->binary},
      {"subscribers", &it->subscribers},
      {"topics", &it->topics},
      {"times", &it->times},
      {"in-flight", &it->in_flight},
      {"publishers", &it->publishers},
      {"deflate", &it->deflate},
      {"parallel", &it->parallel},
      {"slow", &it->slow},
      {"rate", &it->rate},
      {"warming", &it->warming},
      {"seconds", &it->seconds},
  };
  const char *name = word + 2;
  const char *equals = strchr(name, '=');
  const size_t length = equals ? (size_t)(equals - name) : strlen(name);
  const char *value = equals ? equals + 1 : NULL;
  if (value && length == 5 && !strncmp(name, "steps", length)) return read_steps(it, value);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (strlen(numbers[i].name) != length || strncmp(numbers[i].name, name, length)) continue;
    *numbers[i].place = number_of(word, value);
    return;
  }
  fail("Cannot use %s: there is no such option", word);
}

options parse_options(int count, char **words) {
  options it = {
      .window = 150,
      .rounds = 15,
      .warmup = 1,
      .timeout = 5000,
      .connections = 100,
      .size = 32,
      .depth = 1,
      .topics = 1,
      .times = 1,
      .in_flight = 2,
      .publishers = 1,
      .subscribers = 1000,
      .parallel = 32,
      .rate = 30,
      .warming = 3,
      .seconds = 12,
      .steps = {4000, 9000, 14000},
      .step_count = 3,
  };
  if (count < 2) fail("Usage: load_generator SCENARIO [--option=number…] name:port:pid…");
  it.scenario = words[1];
  for (int i = 2; i < count; i++) {
    if (!strncmp(words[i], "--", 2)) set_option(&it, words[i]);
    else if (it.server_count < MAX_SERVERS) it.servers[it.server_count++] = words[i];
    else fail("Cannot compare more than %d servers", MAX_SERVERS);
  }
  if (it.server_count == 0) fail("There is no server to load");
  return it;
}
