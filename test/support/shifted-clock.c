/*
 * Preloaded into a program: its wall clock is SHIFT_CLOCK seconds ahead. Programs read the clock in the kernel's vDSO, Go's without the C
 * library between, which is why faketime does not reach etcd. So the functions there are replaced by a jump, in this process alone.
 */
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t shift;

static int shifted_clock(clockid_t clock, struct timespec *now) {
  long failed = syscall(SYS_clock_gettime, clock, now);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift;
  return (int)failed;
}

static int shifted_day(struct timeval *now, void *zone) {
  struct timespec exact;
  int failed = shifted_clock(CLOCK_REALTIME, &exact);
  (void)zone;
  if (!failed && now) *now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
  return failed;
}

static time_t shifted_time(time_t *at) {
  struct timespec now = {0};
  shifted_clock(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

static void replace(uint8_t *code, void *by) {
#if defined(__x86_64__)
  uint8_t jump[] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0}; /* mov rax, by; jmp rax */
  memcpy(jump + 2, &by, sizeof by);
#elif defined(__aarch64__)
  uint8_t jump[] = {0x50, 0, 0, 0x58, 0, 2, 0x1f, 0xd6, 0, 0, 0, 0, 0, 0, 0, 0}; /* ldr x16, by; br x16 */
  memcpy(jump + 8, &by, sizeof by);
#else
#error "this processor's jump is not known"
#endif
  memcpy(code, jump, sizeof jump);
  __builtin___clear_cache((char *)code, (char *)code + sizeof jump);
}

static void *ours(const char *name) {
  if (strstr(name, "vdso_clock_gettime") || strstr(name, "kernel_clock_gettime")) return shifted_clock;
  if (strstr(name, "vdso_gettimeofday") || strstr(name, "kernel_gettimeofday")) return shifted_day;
  return strcmp(name, "__vdso_time") == 0 ? shifted_time : NULL;
}

__attribute__((constructor)) static void begin(void) {
  const char *seconds = getenv("SHIFT_CLOCK");
  uint8_t *vdso = (uint8_t *)getauxval(AT_SYSINFO_EHDR);
  if (!seconds || !vdso) return;
  shift = atoll(seconds);
  Elf64_Ehdr *head = (Elf64_Ehdr *)vdso;
  Elf64_Shdr *sections = (Elf64_Shdr *)(vdso + head->e_shoff);
  size_t page = (size_t)getpagesize();
  size_t size = (head->e_shoff + head->e_shnum * sizeof *sections + page - 1) / page * page;
  if (mprotect(vdso, size, PROT_READ | PROT_WRITE | PROT_EXEC)) abort();
  for (int i = 0; i < head->e_shnum; i++) {
    if (sections[i].sh_type != SHT_DYNSYM) continue;
    Elf64_Sym *symbols = (Elf64_Sym *)(vdso + sections[i].sh_offset);
    const char *names = (const char *)vdso + sections[sections[i].sh_link].sh_offset;
    for (size_t j = 0; j < sections[i].sh_size / sizeof *symbols; j++) {
      void *by = ours(names + symbols[j].st_name);
      if (by) replace(vdso + symbols[j].st_value, by);
    }
  }
  mprotect(vdso, size, PROT_READ | PROT_EXEC);
}
