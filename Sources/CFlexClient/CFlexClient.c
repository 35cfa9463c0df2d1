#define _GNU_SOURCE
#include "CFlexClient.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum FlexClientCause flexclient_cause(long negated_errno) {
  switch (-negated_errno) {
    case ENOENT: return FlexClientCauseNotFound;
    case ECONNREFUSED: return FlexClientCauseRefused;
    case EAGAIN: return FlexClientCauseAgain;
    case EINTR: return FlexClientCauseInterrupted;
    case EPIPE:
    case ECONNRESET: return FlexClientCausePeerGone;
    case EACCES:
    case EPERM: return FlexClientCauseDenied;
    case ENAMETOOLONG: return FlexClientCausePathTooLong;
    case ENOTSOCK:
    case ENOTDIR:
    case EPROTOTYPE: return FlexClientCauseNotASocket;
    default: return FlexClientCauseOther;
  }
}

const char *flexclient_getenv(const char *name) { return getenv(name); }

/// Moves a descriptor above the three standard ones. If stdout is closed, a new socket would take its number, and the
/// reply for the kubelet would go to the daemon.
static int above_standard_descriptors(int descriptor) {
  if (descriptor < 0 || descriptor > STDERR_FILENO) return descriptor;
  int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  int saved = errno;
  close(descriptor);
  errno = saved;
  return moved;
}

int flexclient_connect(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if (length >= sizeof address.sun_path) return -ENAMETOOLONG;
  memcpy(address.sun_path, path, length);

  int descriptor = above_standard_descriptors(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (descriptor < 0) return -errno;
  if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0) return descriptor;
  int saved = errno;
  close(descriptor);
  return -saved;
}

/// Returns the result of a call, or the negated errno.
static long counted(long result) { return result < 0 ? -(long)errno : result; }

long flexclient_send(int descriptor, const uint8_t *bytes, size_t count) {
  return counted(send(descriptor, bytes, count, MSG_NOSIGNAL));
}

long flexclient_receive(int descriptor, uint8_t *bytes, size_t capacity) {
  return counted(recv(descriptor, bytes, capacity, 0));
}

long flexclient_write(int descriptor, const uint8_t *bytes, size_t count) {
  return counted(write(descriptor, bytes, count));
}

int flexclient_poll(int descriptor, int interest, int milliseconds) {
  struct pollfd entry = {.fd = descriptor};
  if (interest & FLEXCLIENT_READABLE) entry.events |= POLLIN;
  if (interest & FLEXCLIENT_WRITABLE) entry.events |= POLLOUT;
  if (poll(&entry, 1, milliseconds) < 0) return -errno;
  int ready = 0;
  // The next read reports a hang-up or an error, whatever the interest was.
  if (entry.revents & (POLLIN | POLLHUP | POLLERR)) ready |= FLEXCLIENT_READABLE;
  if (entry.revents & POLLOUT) ready |= FLEXCLIENT_WRITABLE;
  return ready;
}

int64_t flexclient_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void flexclient_pause(int milliseconds) {
  struct timespec duration = {.tv_sec = milliseconds / 1000, .tv_nsec = (long)(milliseconds % 1000) * 1000000};
  nanosleep(&duration, NULL);
}

int flexclient_view(const char *path, struct FlexClientView *view) {
  struct stat status;
  struct statvfs mount;
  if (stat(path, &status) != 0 || statvfs(path, &mount) != 0) return -errno;
  *view = (struct FlexClientView){
      .major = major(status.st_dev),
      .minor = minor(status.st_dev),
      .inode = status.st_ino,
      .restrictions = mount.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC),
  };
  return 0;
}

int64_t flexclient_age(const char *path, const char *suffix) {
  // The longest path of a socket, and the suffix.
  char name[sizeof ((struct sockaddr_un *)0)->sun_path + 32];
  size_t length = strlen(path), more = strlen(suffix);
  if (length + more >= sizeof name) return -ENAMETOOLONG;
  memcpy(name, path, length);
  memcpy(name + length, suffix, more + 1);

  struct stat status;
  struct timespec now;
  if (lstat(name, &status) != 0) return -errno;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec > status.st_mtim.tv_sec ? now.tv_sec - status.st_mtim.tv_sec : 0;
}

void flexclient_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }
