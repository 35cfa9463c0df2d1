/// The system calls of the flex client.
///
/// The client is Embedded Swift without the Glibc module. All its uses of the C library are here. Like the kernel,
/// every function returns zero or more on success and the negated errno on failure. No function prints, keeps state or
/// allocates memory.
#ifndef CFLEXCLIENT_H
#define CFLEXCLIENT_H

#include <stddef.h>
#include <stdint.h>

/// The result bits of `flexclient_poll`. Readable: there are bytes, an end of file or an error to read. Writable: bytes
/// can be written.
enum { FLEXCLIENT_READABLE = 1, FLEXCLIENT_WRITABLE = 2 };

/// The errno values that the client distinguishes.
enum __attribute__((enum_extensibility(closed))) FlexClientCause {
  FlexClientCauseNotFound,      ///< ENOENT
  FlexClientCauseRefused,       ///< ECONNREFUSED: there is no listener
  FlexClientCauseAgain,         ///< EAGAIN: the queue is full, or there is nothing to read yet
  FlexClientCauseInterrupted,   ///< EINTR
  FlexClientCausePeerGone,      ///< EPIPE or ECONNRESET
  FlexClientCauseDenied,        ///< EACCES or EPERM
  FlexClientCausePathTooLong,   ///< ENAMETOOLONG
  FlexClientCauseNotASocket,    ///< ENOTSOCK, ENOTDIR or EPROTOTYPE: the path leads to something else
  FlexClientCauseOther,         ///< any other errno
};

/// Returns the cause for a negated errno.
enum FlexClientCause flexclient_cause(long negated_errno);

/// Returns the value of an environment variable, or NULL. Borrowed from the environment.
const char *_Nullable flexclient_getenv(const char *_Nonnull name);

/// Connects a new non-blocking stream socket to a Unix socket path, unix(7). Never blocks: a full queue is EAGAIN.
/// The descriptor is close-on-exec. It is never 0, 1 or 2, even if those are closed.
int flexclient_connect(const char *_Nonnull path);

/// Writes to a socket, send(2), without blocking and without SIGPIPE. Returns the bytes written, or the negated errno.
long flexclient_send(int descriptor, const uint8_t *_Nonnull bytes, size_t count);

/// Reads from a socket, recv(2), without blocking. Returns the bytes read, 0 at the end, or the negated errno.
long flexclient_receive(int descriptor, uint8_t *_Nonnull bytes, size_t capacity);

/// Writes to a descriptor, write(2). Blocks if the descriptor does.
long flexclient_write(int descriptor, const uint8_t *_Nonnull bytes, size_t count);

/// Waits until the descriptor is ready for one of `interest`, poll(2). Returns the ready bits, or 0 after
/// `milliseconds`.
int flexclient_poll(int descriptor, int interest, int milliseconds);

/// Returns the time of the monotonic clock in milliseconds.
int64_t flexclient_now(void);

/// Sleeps, nanosleep(2). A signal can end it early.
void flexclient_pause(int milliseconds);

/// What a directory shows: the device's major and minor number and the inode, stat(2), and those of `ST_RDONLY |
/// ST_NOSUID | ST_NODEV | ST_NOEXEC` that are set, statvfs(3).
struct FlexClientView {
  uint64_t major;
  uint64_t minor;
  uint64_t inode;
  uint64_t restrictions;
};

/// Reads what a directory shows. Follows symbolic links, as the kubelet does. Returns 0, or the negated errno.
int flexclient_view(const char *_Nonnull path, struct FlexClientView *_Nonnull view);

/// Returns the seconds since the file `path` + `suffix` was modified, by the wall clock; 0 if that is in the future.
/// Otherwise the negated errno of lstat(2).
int64_t flexclient_age(const char *_Nonnull path, const char *_Nonnull suffix);

/// Makes a write to a closed pipe fail with EPIPE instead of ending the process.
void flexclient_ignore_sigpipe(void);

#endif
