// Times two programs against each other: flex_time PAIRS A B ARGUMENT...
//
// Runs A and B with the arguments in turn, the order changing with every pair, as the kubelet runs a driver: spawned
// with its output in a pipe, read to the end, waited for. Prints the median wall time of each in microseconds and the
// ratio B / A on one line. A program that exits with anything but 0 ends the run.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/// Microseconds of one run.
static double run(char *program, char **arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) exit(1);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  arguments[0] = program;
  double start = now();
  pid_t process;
  if (posix_spawn(&process, program, &actions, NULL, arguments, environ) != 0) {
    fprintf(stderr, "cannot run %s\n", program);
    exit(1);
  }
  close(ends[1]);
  char output[4096];
  ssize_t length = 0, count;
  while ((count = read(ends[0], output + length, sizeof output - (size_t)length)) > 0) length += count;
  int status;
  waitpid(process, &status, 0);
  double end = now();
  close(ends[0]);
  posix_spawn_file_actions_destroy(&actions);
  if (status != 0) {
    fprintf(stderr, "%s failed: %.*s\n", program, (int)length, output);
    exit(1);
  }
  return end - start;
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static double median(double *values, size_t count) {
  qsort(values, count, sizeof *values, ascending);
  return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

int main(int argc, char **argv) {
  size_t pairs = argc > 4 ? strtoul(argv[1], NULL, 10) : 0;
  if (pairs == 0) {
    fprintf(stderr, "usage: flex_time PAIRS A B ARGUMENT...\n");
    return 2;
  }
  char **arguments = argv + 3;
  char *programs[2] = {argv[2], argv[3]};
  double *times[2] = {calloc(pairs, sizeof(double)), calloc(pairs, sizeof(double))};
  if (!times[0] || !times[1]) return 1;
  for (int warm = 0; warm < 20; warm++) run(programs[warm % 2], arguments);
  for (size_t pair = 0; pair < pairs; pair++) {
    for (size_t turn = 0; turn < 2; turn++) {
      size_t which = (pair + turn) % 2;
      times[which][pair] = run(programs[which], arguments);
    }
  }
  double a = median(times[0], pairs), b = median(times[1], pairs);
  printf("%.1f %.1f %.3f\n", a, b, b / a);
  return 0;
}
