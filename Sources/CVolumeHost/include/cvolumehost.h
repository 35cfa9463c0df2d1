/// A C shim for what Swift's Glibc module lacks.
#ifndef CVOLUMEHOST_H
#define CVOLUMEHOST_H

#include <stdint.h>

/// Changes the mode of `name` in a directory and does not follow a symbolic link: fchmodat2(2) with
/// AT_SYMLINK_NOFOLLOW, since Linux 6.6. On older kernels fchmodat(3), which needs four calls. Returns -1 and sets errno
/// on failure.
int cvolumehost_change_mode(int directory, const char *_Nonnull name, uint32_t mode);

#endif
