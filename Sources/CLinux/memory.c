// The memory of this process: the allocator's, and that of code.
#define _GNU_SOURCE
#include "clinux.h"

#include <link.h>
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

void clinux_keep_allocator_small(void) {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

void clinux_trim_memory(void) { malloc_trim(0); }

// Whether the loader has written into the object's code, DT_TEXTREL and DF_TEXTREL of elf(5).
static int has_relocated_code(const struct dl_phdr_info *object) {
  for (ElfW(Half) i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_DYNAMIC) continue;
    const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(object->dlpi_addr + segment->p_vaddr);
    for (; entry->d_tag != DT_NULL; entry++) {
      if (entry->d_tag == DT_TEXTREL) return 1;
      if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL)) return 1;
    }
  }
  return 0;
}

// Whether the loader writes into the segment and protects it afterwards: PT_GNU_RELRO lies within it.
static int is_relocated(const struct dl_phdr_info *object, const ElfW(Phdr) *segment) {
  for (ElfW(Half) i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *relocated = &object->dlpi_phdr[i];
    if (relocated->p_type != PT_GNU_RELRO) continue;
    if (relocated->p_vaddr < segment->p_vaddr + segment->p_memsz &&
        segment->p_vaddr < relocated->p_vaddr + relocated->p_memsz)
      return 1;
  }
  return 0;
}

// Drops the whole pages of a segment that has none of ours. Its first and last page may have something else as well.
static uint64_t drop_segment(const struct dl_phdr_info *object, const ElfW(Phdr) *segment) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t start = object->dlpi_addr + segment->p_vaddr;
  const uintptr_t first = (start + page - 1) / page * page;
  const uintptr_t end = (start + segment->p_filesz) / page * page;
  if (first >= end || madvise((void *)first, end - first, MADV_DONTNEED) != 0) return 0;
  return end - first;
}

static int drop_object(struct dl_phdr_info *object, size_t size, void *dropped) {
  (void)size;
  // The kernel's own object is no file.
  if (object->dlpi_addr == getauxval(AT_SYSINFO_EHDR) || has_relocated_code(object)) return 0;
  for (ElfW(Half) i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) || is_relocated(object, segment)) continue;
    *(uint64_t *)dropped += drop_segment(object, segment);
  }
  return 0;
}

uint64_t clinux_drop_code(void) {
  uint64_t dropped = 0;
  dl_iterate_phdr(drop_object, &dropped);
  return dropped;
}
