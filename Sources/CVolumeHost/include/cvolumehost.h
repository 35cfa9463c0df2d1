/// A C shim for what Swift's Glibc module lacks.
#ifndef CVOLUMEHOST_H
#define CVOLUMEHOST_H

#include <stdint.h>

/// fchmodat2(2) with AT_SYMLINK_NOFOLLOW, Linux 6.6; on older kernels fchmodat(3), which does the same in four calls.
/// Returns -1 and sets errno on failure.
int cvolumehost_change_mode(int directory, const char *_Nonnull name, uint32_t mode);

#endif
