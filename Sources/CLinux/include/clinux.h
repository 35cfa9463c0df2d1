/// C shims for what Swift's Glibc module lacks: system calls without a wrapper, variadic or macro-only interfaces.
///
/// Every function returns -1 and sets errno on failure, unless it says otherwise.
#ifndef CLINUX_H
#define CLINUX_H

// No other header: types of libc that come in through here would belong to this module and not to Glibc's.
#include <stdint.h>

#pragma clang assume_nonnull begin

/// RESOLVE_* of openat2(2), as plain constants.
enum {
  CLINUX_RESOLVE_NO_XDEV = 0x01,
  CLINUX_RESOLVE_NO_MAGICLINKS = 0x02,
  CLINUX_RESOLVE_NO_SYMLINKS = 0x04,
  CLINUX_RESOLVE_BENEATH = 0x08,
};

/// Flags of open(2) that glibc shows only with _GNU_SOURCE; their values depend on the architecture.
extern const int CLINUX_O_PATH;
extern const int CLINUX_O_DIRECT;

/// The text for an error number, strerror_r(3) in its GNU form: in `buffer` or constant. Never fails.
const char *clinux_error_text(int number, char *buffer, uint64_t size);

/// eventfd(2) with EFD_CLOEXEC and EFD_NONBLOCK, counting from zero.
int clinux_eventfd(void);

/// pipe2(2) with O_CLOEXEC.
int clinux_pipe(int *ends);

/// accept4(2) with SOCK_CLOEXEC, without the peer's address.
int clinux_accept(int listener);

/// The same with the peer's address as a number: of IPv6 its first 64 bits.
int clinux_accept_from(int listener, uint64_t *source);

/// SO_PEERCRED, unix(7): who connected, or listened, at the other end.
int clinux_peer_credentials(int socket, int32_t *process, uint32_t *user, uint32_t *group);

/// pthread_setname_np(3) for the calling thread; cut at 15 bytes.
void clinux_name_thread(const char *name);

/// openat2(2), Linux 5.6.
int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// pidfd_open(2), Linux 5.3. The descriptor is close-on-exec.
int clinux_pidfd_open(int pid);

/// BLKGETSIZE64, ioctl_list(2): the size of a block device in bytes.
int clinux_block_size(int descriptor, uint64_t *bytes);

/// The process environment, environ(7); NULL-terminated.
char *_Nullable *_Nullable clinux_environment(void);

/// Starts a program in a process group of its own with vfork(2) and execve(2).
///
/// The child gets default signal dispositions, an empty signal mask, umask 022, the directory "/", no descriptor
/// besides the three given, the limit of descriptors before clinux_raise_descriptor_limit, and SIGKILL when the calling *thread* ends (PR_SET_PDEATHSIG, prctl(2)). `parent` is
/// getpid() of the caller: a child that finds another parent was orphaned before it asked for that signal, and ends.
/// Returns the child's process number, or -1 with errno: of vfork, or of what failed in the child up to execve.
int clinux_spawn(
  const char *path, char *const _Nullable *_Nonnull arguments, char *const _Nullable *_Nonnull environment,
  int standard_input, int standard_output, int standard_error, int parent);

/// Raises RLIMIT_NOFILE, getrlimit(2), to `wanted` as far as the hard limit allows; never lowers it. Returns what it is
/// then, 0 when that is not known. Not while other threads start programs.
uint64_t clinux_raise_descriptor_limit(uint64_t wanted);

/// Gives the calling process the limit of before the raise, for the child of clinux_spawn.
void clinux_restore_descriptor_limit(void);

/// LOOP_CTL_GET_FREE, loop(4): the number of a free loop device, made if there is none.
int clinux_loop_get_free(int control);

/// LOOP_CONFIGURE (Linux 5.8), or LOOP_SET_FD with LOOP_SET_STATUS64 on older kernels, loop(4).
///
/// `name` is cut at 63 bytes; it is for people only.
int clinux_loop_configure(int loop, int file, const char *name, int direct_io);

/// LOOP_GET_STATUS64, loop(4): which file, by device and inode, a loop device stands on, and from which offset.
int clinux_loop_status(int loop, uint64_t *device, uint64_t *inode, uint64_t *offset, uint64_t *size_limit);

/// LOOP_CLR_FD, loop(4).
int clinux_loop_clear(int loop);

/// LOOP_SET_CAPACITY, loop(4).
int clinux_loop_set_capacity(int loop);

/// Two arenas (M_ARENA_MAX), blocks of 256 KiB and more mapped (M_MMAP_THRESHOLD), the heap's top given back from
/// 256 KiB on (M_TRIM_THRESHOLD): mallopt(3), which can not fail with these values.
void clinux_keep_allocator_small(void);

/// malloc_trim(3).
void clinux_trim_memory(void);

/// Tells the kernel that the calling thread serves block devices: its allocations never wait for I/O, prctl(2)
/// PR_SET_IO_FLUSHER (Linux 5.6, needs CAP_SYS_RESOURCE).
int clinux_set_io_flusher(void);

/// Takes from the calling thread, and from all that it starts, every capability whose bit is not in `kept`: prctl(2)
/// PR_CAPBSET_DROP, which needs CAP_SETPCAP where there is something to take, then capset(2).
int clinux_keep_capabilities(uint64_t kept);

/// The capabilities that are in effect for the calling thread, capget(2).
uint64_t clinux_effective_capabilities(void);

/// Clones the mount at a path, detached, as a descriptor: open_tree(2) with OPEN_TREE_CLONE (Linux 5.2).
int clinux_clone_mount(const char *path);

/// Adds and clears attributes of a detached mount, the `MOUNT_ATTR_` bits of mount_setattr(2) (Linux 5.12).
int clinux_set_mount_attributes(int mount, uint64_t added, uint64_t cleared);

/// Attaches a detached mount to the directory that a descriptor holds, move_mount(2) (Linux 5.2).
int clinux_attach_mount(int mount, int directory);

#pragma clang assume_nonnull end

#endif
