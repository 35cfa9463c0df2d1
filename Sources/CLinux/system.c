// Thin wrappers around system calls. glibc 2.31 and later do not wrap all of them.
#define _GNU_SOURCE
#include "clinux.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The numbers are the same on every architecture since Linux 5.0. Older kernel headers lack them.
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

const int CLINUX_O_PATH = O_PATH;
const int CLINUX_O_DIRECT = O_DIRECT;

// struct open_how of openat2(2). Declared here because linux/openat2.h exists only since the 5.6 headers.
struct clinux_open_how {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};

int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct clinux_open_how how = {flags, mode, resolve};
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int clinux_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0u); }

int clinux_block_size(int descriptor, uint64_t *bytes) { return ioctl(descriptor, BLKGETSIZE64, bytes); }

int clinux_sync_file_system(int descriptor) { return syncfs(descriptor); }

#ifndef FS_IOC_SETFSLABEL
#define FS_IOC_SETFSLABEL _IOW(0x94, 50, char[256])
#endif

int clinux_set_file_system_label(int descriptor, const char *label) {
  char text[256] = {0};
  strncpy(text, label, sizeof text - 1);
  return ioctl(descriptor, FS_IOC_SETFSLABEL, text);
}

char **clinux_environment(void) { return environ; }

const char *clinux_error_text(int number, char *buffer, uint64_t size) { return strerror_r(number, buffer, size); }

int clinux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int clinux_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }

int clinux_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC); }

int clinux_accept_from(int listener, uint64_t *source) {
  struct sockaddr_storage address = {0};
  socklen_t size = sizeof address;
  int accepted = accept4(listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
  if (accepted < 0) return -1;
  *source = 0;
  if (address.ss_family == AF_INET) {
    *source = ((struct sockaddr_in *)&address)->sin_addr.s_addr;
  } else if (address.ss_family == AF_INET6) {
    const struct in6_addr *host = &((struct sockaddr_in6 *)&address)->sin6_addr;
    // An IPv4-mapped address has the IPv4 address in its last bytes.
    memcpy(source, IN6_IS_ADDR_V4MAPPED(host) ? host->s6_addr + 8 : host->s6_addr, sizeof *source);
  }
  return accepted;
}

static struct rlimit former_descriptor_limit;

uint64_t clinux_raise_descriptor_limit(uint64_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (former_descriptor_limit.rlim_max == 0) former_descriptor_limit = limit;
  rlim_t possible = wanted < limit.rlim_max ? (rlim_t)wanted : limit.rlim_max;
  if (possible > limit.rlim_cur) {
    limit.rlim_cur = possible;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  }
  return limit.rlim_cur;
}

void clinux_restore_descriptor_limit(void) {
  if (former_descriptor_limit.rlim_max != 0) (void)setrlimit(RLIMIT_NOFILE, &former_descriptor_limit);
}

int clinux_peer_credentials(int socket, int32_t *process, uint32_t *user, uint32_t *group) {
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -1;
  *process = credentials.pid;
  *user = credentials.uid;
  *group = credentials.gid;
  return 0;
}

void clinux_name_thread(const char *name) {
  char cut[16] = {0};
  strncpy(cut, name, sizeof cut - 1);
  (void)pthread_setname_np(pthread_self(), cut);
}

int clinux_set_io_flusher(void) { return prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0); }

struct capability_sets {
  struct __user_cap_header_struct header;
  struct __user_cap_data_struct halves[_LINUX_CAPABILITY_U32S_3];
};

static int get_capabilities(struct capability_sets *sets) {
  sets->header = (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return (int)syscall(SYS_capget, &sets->header, sets->halves);
}

int clinux_keep_capabilities(uint64_t kept) {
  struct capability_sets sets;
  if (get_capabilities(&sets) != 0) return -1;
  // A process of an ordinary user has no capabilities to drop.
  if (sets.halves[0].permitted == 0 && sets.halves[1].permitted == 0) return 0;
  // The kernel returns EINVAL for a capability that it does not know.
  for (unsigned long number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++) {
    if ((kept >> number & 1) || prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 0) continue;
    if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return -1;
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return -1;
  for (int half = 0; half < _LINUX_CAPABILITY_U32S_3; half++) {
    uint32_t bits = (uint32_t)(kept >> (32 * half));
    sets.halves[half].effective &= bits;
    sets.halves[half].permitted &= bits;
    sets.halves[half].inheritable &= bits;
  }
  return (int)syscall(SYS_capset, &sets.header, sets.halves);
}

uint64_t clinux_effective_capabilities(void) {
  struct capability_sets sets;
  if (get_capabilities(&sets) != 0) return 0;
  return (uint64_t)sets.halves[1].effective << 32 | sets.halves[0].effective;
}

// From linux/mount.h, which conflicts with sys/mount.h on older systems.
enum { OPEN_TREE_CLONE_FLAG = 1, FROM_EMPTY_PATH = 0x4, TO_EMPTY_PATH = 0x40 };

// struct mount_attr of mount_setattr(2).
struct clinux_mount_attr {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t user_namespace;
};

int clinux_clone_mount(const char *path) {
  return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE_FLAG | O_CLOEXEC);
}

int clinux_set_mount_attributes(int mount, uint64_t added, uint64_t cleared) {
  struct clinux_mount_attr attributes = {.set = added, .clear = cleared};
  return (int)syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
}

int clinux_attach_mount(int mount, int directory) {
  return (int)syscall(SYS_move_mount, mount, "", directory, "", FROM_EMPTY_PATH | TO_EMPTY_PATH);
}
