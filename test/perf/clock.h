// What the mock server and the C client share: the clock and the file of stamps.
#ifndef BAREMARK_PERF_CLOCK_H
#define BAREMARK_PERF_CLOCK_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define NS_PER_S 1000000000.0

static inline double monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * NS_PER_S + (double)now.tv_nsec;
}

static inline double cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

// One answer: its id, how many stamps it has, then room for `capacity` stamps in nanoseconds.
// Everything is a double, which holds nanoseconds of uptime exactly for a hundred days.
#define STAMP_HEAD 2
#define ANSWERS_PER_BLOCK 1024

struct stamp_log {
  size_t capacity;
  size_t answers;
  double **blocks;
};

static inline size_t stamp_stride(const struct stamp_log *log) { return STAMP_HEAD + log->capacity; }

// Blocks are never moved, so that a stream may keep the pointer to its own stamps.
static inline double *stamp_answer(struct stamp_log *log, double id) {
  size_t block = log->answers / ANSWERS_PER_BLOCK;
  if (log->answers % ANSWERS_PER_BLOCK == 0) {
    log->blocks = realloc(log->blocks, (block + 1) * sizeof *log->blocks);
    if (!log->blocks) fail("realloc");
    log->blocks[block] = calloc(ANSWERS_PER_BLOCK * stamp_stride(log), sizeof(double));
    if (!log->blocks[block]) fail("calloc");
  }
  double *answer = log->blocks[block] + (log->answers % ANSWERS_PER_BLOCK) * stamp_stride(log);
  log->answers++;
  answer[0] = id;
  return answer;
}

static inline void stamp_now(const struct stamp_log *log, double *answer, double ns) {
  size_t count = (size_t)answer[1];
  if (count >= log->capacity) return;
  answer[STAMP_HEAD + count] = ns;
  answer[1] = (double)(count + 1);
}

// The file: the stride, then every answer.
static inline void stamp_write(const struct stamp_log *log, const char *path) {
  FILE *file = fopen(path, "wb");
  if (!file) fail(path);
  double stride = (double)stamp_stride(log);
  fwrite(&stride, sizeof stride, 1, file);
  for (size_t i = 0; i < log->answers; i++) {
    const double *answer =
        log->blocks[i / ANSWERS_PER_BLOCK] + (i % ANSWERS_PER_BLOCK) * stamp_stride(log);
    fwrite(answer, sizeof(double), stamp_stride(log), file);
  }
  if (fclose(file) != 0) fail(path);
}

#endif
