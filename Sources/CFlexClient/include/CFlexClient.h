/// The few system calls of the flex client.
///
/// The client is Embedded Swift without the Glibc module, so everything it wants from the C library stands here.
/// Every function answers like the kernel: zero or more on success, the negated errno on failure. None of them prints,
/// keeps state or allocates memory.
#ifndef CFLEXCLIENT_H
#define CFLEXCLIENT_H

#include <stddef.h>
#include <stdint.h>

/// Bits of `flexclient_poll`'s answer: there are bytes, an end of file or an error to read; there is room to write.
enum { FLEXCLIENT_READABLE = 1, FLEXCLIENT_WRITABLE = 2 };

/// What the client decides by; errno.h has far more.
enum __attribute__((enum_extensibility(closed))) FlexClientCause {
  FlexClientCauseNotFound,      ///< ENOENT
  FlexClientCauseRefused,       ///< ECONNREFUSED: nobody listens
  FlexClientCauseAgain,         ///< EAGAIN: the queue is full, or nothing is there yet
  FlexClientCauseInterrupted,   ///< EINTR
  FlexClientCausePeerGone,      ///< EPIPE or ECONNRESET
  FlexClientCauseDenied,        ///< EACCES or EPERM
  FlexClientCausePathTooLong,   ///< ENAMETOOLONG
  FlexClientCauseNotASocket,    ///< ENOTSOCK, ENOTDIR or EPROTOTYPE: the path leads to something else
  FlexClientCauseOther,         ///< any other
};

/// The cause that a negated errno stands for.
enum FlexClientCause flexclient_cause(long negated_errno);

/// The value of an environment variable, or NULL. Borrowed from the environment.
const char *_Nullable flexclient_getenv(const char *_Nonnull name);

/// Connects a new non-blocking stream socket to a Unix socket path, see unix(7). Never blocks: a full queue is EAGAIN.
/// The descriptor is never 0, 1 or 2, even where those are closed, and it is closed on exec.
int flexclient_connect(const char *_Nonnull path);

/// Writes to a socket without blocking and without SIGPIPE, see send(2). Bytes written, or the negated errno.
long flexclient_send(int descriptor, const uint8_t *_Nonnull bytes, size_t count);

/// Reads from a socket without blocking, see recv(2). Bytes read, 0 at the end, or the negated errno.
long flexclient_receive(int descriptor, uint8_t *_Nonnull bytes, size_t capacity);

/// Writes to a descriptor, see write(2). Blocks where the descriptor does.
long flexclient_write(int descriptor, const uint8_t *_Nonnull bytes, size_t count);

/// Waits until the descriptor is ready for one of `interest`, see poll(2). Those that are, or 0 after `milliseconds`.
int flexclient_poll(int descriptor, int interest, int milliseconds);

/// Milliseconds of the monotonic clock.
int64_t flexclient_now(void);

/// Sleeps, see nanosleep(2). A signal may end it early.
void flexclient_pause(int milliseconds);

/// What a directory shows: the device's major and minor number, the inode, and `ST_RDONLY | ST_NOSUID | ST_NODEV |
/// ST_NOEXEC` as far as they are set, see stat(2) and statvfs(3). Follows symbolic links, as the kubelet does.
struct FlexClientView {
  uint64_t major;
  uint64_t minor;
  uint64_t inode;
  uint64_t restrictions;
};

/// Looks at a directory. 0, or the negated errno.
int flexclient_view(const char *_Nonnull path, struct FlexClientView *_Nonnull view);

/// For how many seconds `path` with `suffix` behind it has not been modified, by the wall clock; 0 where that is in the
/// future. The negated errno where it cannot be known.
int64_t flexclient_age(const char *_Nonnull path, const char *_Nonnull suffix);

/// Lets a write to a closed pipe fail with EPIPE instead of ending the process.
void flexclient_ignore_sigpipe(void);

#endif
