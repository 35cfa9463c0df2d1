/// C shims for what Swift's Glibc module lacks: system calls without a wrapper, and variadic or macro-only interfaces.
///
/// Every function returns -1 and sets errno on failure, unless it says otherwise.
#ifndef CLINUX_H
#define CLINUX_H

// Includes no other header: libc types included here would belong to this module instead of Glibc's.
#include <stdint.h>

#pragma clang assume_nonnull begin

/// RESOLVE_* of openat2(2), as plain constants.
enum {
  CLINUX_RESOLVE_NO_XDEV = 0x01,
  CLINUX_RESOLVE_NO_MAGICLINKS = 0x02,
  CLINUX_RESOLVE_NO_SYMLINKS = 0x04,
  CLINUX_RESOLVE_BENEATH = 0x08,
};

/// Flags of open(2) that glibc defines only with _GNU_SOURCE. Their values depend on the architecture.
extern const int CLINUX_O_PATH;
extern const int CLINUX_O_DIRECT;

/// Returns the text for an error number, strerror_r(3) in its GNU form: in `buffer` of `size` bytes, or constant. Never
/// fails.
const char *clinux_error_text(int number, char *buffer, uint64_t size);

/// Creates an eventfd(2) with EFD_CLOEXEC and EFD_NONBLOCK and the count zero.
int clinux_eventfd(void);

/// Creates a pipe, pipe2(2) with O_CLOEXEC.
int clinux_pipe(int *ends);

/// Accepts a connection, accept4(2) with SOCK_CLOEXEC. Blocks.
int clinux_accept(int listener);

/// Accepts a connection and returns the peer's address as a number; of IPv6 its first 64 bits. Blocks.
int clinux_accept_from(int listener, uint64_t *source);

/// Reads the process, user and group that connected or listened at the other end: SO_PEERCRED, unix(7).
int clinux_peer_credentials(int socket, int32_t *process, uint32_t *user, uint32_t *group);

/// Names the calling thread, pthread_setname_np(3). Cuts the name at 15 bytes. Never fails.
void clinux_name_thread(const char *name);

/// openat2(2), since Linux 5.6. `resolve` is a set of RESOLVE_* bits.
int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// pidfd_open(2), since Linux 5.3. The descriptor is close-on-exec.
int clinux_pidfd_open(int pid);

/// Reads the size of a block device in bytes: BLKGETSIZE64, ioctl_list(2).
int clinux_block_size(int descriptor, uint64_t *bytes);

/// Writes out a file system, by a descriptor of any file in it: syncfs(2). Blocks.
int clinux_sync_file_system(int descriptor);

/// Sets the label of a mounted file system, by a descriptor of any file in it: FS_IOC_SETFSLABEL (XFS since Linux 4.18).
/// `label` is cut at 255 bytes. Blocks.
int clinux_set_file_system_label(int descriptor, const char *label);

/// Returns the environment of the process, environ(7), NULL-terminated.
char *_Nullable *_Nullable clinux_environment(void);

/// Starts a program in a process group of its own with vfork(2) and execve(2).
///
/// The child gets:
/// - default signal dispositions and an empty signal mask
/// - umask 022 and the directory "/"
/// - no descriptor besides the three given
/// - the limit of descriptors before clinux_raise_descriptor_limit
/// - SIGKILL when the calling *thread* ends (PR_SET_PDEATHSIG, prctl(2))
///
/// `parent` is getpid() of the caller. A child with another parent was orphaned before it asked for that signal, and
/// ends. Blocks until execve. Returns the child's process ID, or -1 with the errno of vfork or of the step that failed
/// in the child.
int clinux_spawn(
  const char *path, char *const _Nullable *_Nonnull arguments, char *const _Nullable *_Nonnull environment,
  int standard_input, int standard_output, int standard_error, int parent);

/// Raises RLIMIT_NOFILE, getrlimit(2), to `wanted` or to the hard limit if that is lower. Never lowers it. Returns the
/// limit in effect, 0 if it is unknown. Must not run while other threads start programs.
uint64_t clinux_raise_descriptor_limit(uint64_t wanted);

/// Restores the limit from before the raise, for the child of clinux_spawn.
void clinux_restore_descriptor_limit(void);

/// Returns the number of a free loop device and creates one if there is none: LOOP_CTL_GET_FREE, loop(4).
int clinux_loop_get_free(int control);

/// Attaches a loop device to a file: LOOP_CONFIGURE (since Linux 5.8), or LOOP_SET_FD with LOOP_SET_STATUS64, loop(4).
///
/// `name` is informative and cut at 63 bytes.
int clinux_loop_configure(int loop, int file, const char *name, int direct_io);

/// Reads the device and inode of a loop device's file, and offset and size limit in bytes: LOOP_GET_STATUS64, loop(4).
int clinux_loop_status(int loop, uint64_t *device, uint64_t *inode, uint64_t *offset, uint64_t *size_limit);

/// Detaches a loop device: LOOP_CLR_FD, loop(4).
int clinux_loop_clear(int loop);

/// Sets the size of a loop device to that of its file: LOOP_SET_CAPACITY, loop(4).
int clinux_loop_set_capacity(int loop);

/// Limits the memory of malloc, mallopt(3): one arena (M_ARENA_MAX), blocks from 256 KiB mapped (M_MMAP_THRESHOLD), the
/// top of the heap given back from 256 KiB (M_TRIM_THRESHOLD). Cannot fail with these values.
void clinux_keep_allocator_small(void);

/// Returns free memory to the system, malloc_trim(3).
void clinux_trim_memory(void);

/// Drops the resident pages of all loaded objects' code and read-only data, dl_iterate_phdr(3) and madvise(2) with
/// MADV_DONTNEED. Leaves out what the loader or the program has written to. Returns the size in bytes of what was mapped
/// there, resident or not. Never fails.
uint64_t clinux_drop_code(void);

/// Marks the calling thread as one that serves block devices. Its allocations then never wait for I/O: prctl(2)
/// PR_SET_IO_FLUSHER (since Linux 5.6, requires CAP_SYS_RESOURCE).
int clinux_set_io_flusher(void);

/// Drops every capability whose bit is not in `kept` from the calling thread and all that it starts: prctl(2)
/// PR_CAPBSET_DROP, then capset(2). Requires CAP_SETPCAP if there is something to drop.
int clinux_keep_capabilities(uint64_t kept);

/// Returns the effective capabilities of the calling thread, capget(2). 0 if they cannot be read.
uint64_t clinux_effective_capabilities(void);

/// Clones the mount at a path and returns a descriptor of the detached clone: open_tree(2) with OPEN_TREE_CLONE (since
/// Linux 5.2).
int clinux_clone_mount(const char *path);

/// Sets and clears attributes of a detached mount, the MOUNT_ATTR_ bits of mount_setattr(2) (since Linux 5.12).
int clinux_set_mount_attributes(int mount, uint64_t added, uint64_t cleared);

/// Attaches a detached mount to the directory of a descriptor, move_mount(2) (since Linux 5.2).
int clinux_attach_mount(int mount, int directory);

#pragma clang assume_nonnull end

#endif
