// Loop devices, loop(4). In C because of the large structures and the variadic ioctl(2).
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

// Added in Linux 5.8; older headers lack it.
#ifndef LOOP_CONFIGURE
#define LOOP_CONFIGURE 0x4C0A
struct loop_config {
  __u32 fd;
  __u32 block_size;
  struct loop_info64 info;
  __u64 __reserved[8];
};
#endif

static void describe(struct loop_info64 *info, const char *name, int direct_io) {
  memset(info, 0, sizeof *info);
  strncpy((char *)info->lo_file_name, name, LO_NAME_SIZE - 1);
  if (direct_io) info->lo_flags |= LO_FLAGS_DIRECT_IO;
}

// LOOP_SET_STATUS64 returns EAGAIN while the page cache of the device is being written out.
static int set_status(int loop, const struct loop_info64 *info) {
  const struct timespec pause = {0, 10 * 1000 * 1000};
  for (int attempt = 0; attempt < 64; attempt++) {
    if (ioctl(loop, LOOP_SET_STATUS64, info) == 0) return 0;
    if (errno != EAGAIN) return -1;
    nanosleep(&pause, NULL);
  }
  return -1;
}

static int configure_in_steps(int loop, int file, const char *name, int direct_io) {
  struct loop_info64 info;
  describe(&info, name, 0);
  if (ioctl(loop, LOOP_SET_FD, file) < 0) return -1;
  if (set_status(loop, &info) < 0) {
    int code = errno;
    ioctl(loop, LOOP_CLR_FD);
    errno = code;
    return -1;
  }
  if (direct_io) (void)ioctl(loop, LOOP_SET_DIRECT_IO, 1UL);  // only an optimization
  return 0;
}

int clinux_loop_get_free(int control) { return ioctl(control, LOOP_CTL_GET_FREE); }

int clinux_loop_configure(int loop, int file, const char *name, int direct_io) {
  struct loop_config config;
  memset(&config, 0, sizeof config);
  config.fd = (__u32)file;
  describe(&config.info, name, direct_io);
  if (ioctl(loop, LOOP_CONFIGURE, &config) == 0) return 0;
  if (errno != EINVAL && errno != ENOTTY && errno != ENOSYS) return -1;
  return configure_in_steps(loop, file, name, direct_io);
}

int clinux_loop_status(int loop, uint64_t *device, uint64_t *inode, uint64_t *offset, uint64_t *size_limit) {
  struct loop_info64 info;
  if (ioctl(loop, LOOP_GET_STATUS64, &info) < 0) return -1;
  *device = info.lo_device;
  *inode = info.lo_inode;
  *offset = info.lo_offset;
  *size_limit = info.lo_sizelimit;
  return 0;
}

int clinux_loop_clear(int loop) { return ioctl(loop, LOOP_CLR_FD); }

int clinux_loop_set_capacity(int loop) { return ioctl(loop, LOOP_SET_CAPACITY); }
