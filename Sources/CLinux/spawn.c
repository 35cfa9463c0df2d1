// Starts a program. In C because a vfork child shares the parent's memory until execve and may run only this code.
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

struct plan {
  const char *path;
  char *const *arguments;
  char *const *environment;
  int descriptors[3];
  pid_t parent;
};

// Returns a number above the standard descriptors. The dup2 calls below then do not overwrite each other's source, and
// they clear close-on-exec (dup2 of a number onto itself does nothing).
static int clear_of_standard(int descriptor) {
  return descriptor > 2 ? descriptor : fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
}

static int place_descriptors(const int descriptors[3]) {
  int sources[3];
  for (int target = 0; target < 3; target++) {
    sources[target] = clear_of_standard(descriptors[target]);
    if (sources[target] < 0) return -1;
  }
  for (int target = 0; target < 3; target++)
    if (dup2(sources[target], target) < 0) return -1;
  // Since Linux 5.9. Our descriptors are close-on-exec anyway; without the call the child inherits those of other
  // libraries.
  (void)syscall(SYS_close_range, 3u, ~0u, 0u);
  return 0;
}

static void reset_signals(void) {
  struct sigaction standard = {.sa_handler = SIG_DFL};
  for (int number = 1; number <= SIGRTMAX; number++) (void)sigaction(number, &standard, NULL);
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

// Runs in the child. Dispositions, mask, descriptors, umask and directory are its own copies: vfork(2) is clone with
// CLONE_VM|CLONE_VFORK only. Memory is shared, so the child writes nothing but `failure`.
static void become(const struct plan *plan, volatile int *failure) {
  if (setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0) {
    if (getppid() != plan->parent) _exit(127);
    reset_signals();
    umask(022);
    if (chdir("/") == 0 && place_descriptors(plan->descriptors) == 0) {
      // Only now: the calls above may need descriptors above the former limit.
      clinux_restore_descriptor_limit();
      execve(plan->path, plan->arguments, plan->environment);
    }
  }
  *failure = errno;
  _exit(127);
}

static pid_t start(const struct plan *plan, volatile int *failure) {
  pid_t child = vfork();
  if (child == 0) become(plan, failure);
  return child;
}

static void reap(pid_t child) {
  siginfo_t ignored;
  while (waitid(P_PID, (id_t)child, &ignored, WEXITED) < 0 && errno == EINTR) {
  }
}

int clinux_spawn(
  const char *path, char *const *arguments, char *const *environment,
  int standard_input, int standard_output, int standard_error, int parent) {
  struct plan plan = {path, arguments, environment, {standard_input, standard_output, standard_error}, parent};
  volatile int failure = 0;
  // No signal handler may run in the child: it would use the parent's memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t child = start(&plan, &failure);
  int code = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (child > 0 && failure != 0) {
    reap(child);
    code = failure;
    child = -1;
  }
  errno = code;
  return child;
}
