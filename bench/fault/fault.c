/* First touches of 1 GiB of private memory, 4 KiB at a time, for each line of input: ns each. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

static double now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return at.tv_sec * 1e9 + at.tv_nsec;
}

int main(void) {
  const size_t size = 1UL << 30;
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (getchar() != EOF) {
    volatile char *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || madvise((void *)memory, size, MADV_NOHUGEPAGE) != 0) return 1;
    double start = now_ns();
    for (size_t at = 0; at < size; at += 4096) memory[at] = 1;
    double end = now_ns();
    munmap((void *)memory, size);
    printf("%.3f\n", (end - start) / (size / 4096));
  }
  return 0;
}
