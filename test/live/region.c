/*
 * region KIND K
 *
 * K processes, named "ptregion", that each map and touch one region of 1 GiB. Prints "ready" and
 * their pids once all have, and ends them when its standard input does.
 *
 * Linked statically at a fixed address and run without randomization, the program lies in the same
 * 512 GiB as the region and needs the same tables for itself whatever the kind: what the kinds
 * differ in is the region.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define PAGE 4096UL
#define HUGE (512 * PAGE)
#define REGION (512 * HUGE)
/* A multiple of 1 GiB: one PMD table can map the whole region. */
#define ALIGNED ((char *)(64 * REGION))

enum { WORKERS_MAX = 64 };

static char *map(char *at, int flags, int fd)
{
	char *region = mmap(at, REGION, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, fd, 0);

	if (region != at)
		err(1, "mmap of the region");
	return region;
}

static char *map_memfd(char *at, unsigned int memfd_flags)
{
	int fd = memfd_create("ptshare-region", memfd_flags);

	if (fd < 0 || ftruncate(fd, REGION))
		err(1, "memfd of the region");
	return map(at, MAP_SHARED, fd);
}

static void read_pages(volatile char *region)
{
	for (unsigned long at = 0; at < REGION; at += PAGE)
		(void)region[at];
}

static void write_pages(volatile char *region, unsigned long step)
{
	for (unsigned long at = 0; at < REGION; at += step)
		region[at] = 1;
}

static void advise(char *at, unsigned long bytes, int advice)
{
	if (madvise(at, bytes, advice))
		err(1, "madvise %d", advice);
}

/* Returns the region as its founder has it, or NULL for the kind "none". */
static char *found(const char *kind)
{
	char *region;

	if (!strcmp(kind, "none"))
		return NULL;
	if (!strcmp(kind, "hugetlb-aligned")) {
		region = map_memfd(ALIGNED, MFD_HUGETLB);
	} else if (!strcmp(kind, "hugetlb-unaligned")) {
		region = map_memfd(ALIGNED + HUGE, MFD_HUGETLB);
	} else if (!strncmp(kind, "shmem", 5)) {
		region = map_memfd(ALIGNED, 0);
	} else {
		region = map(ALIGNED, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		advise(region, REGION, strcmp(kind, "anon-thp") ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	}
	if (!strcmp(kind, "empty-pte")) {
		/* Pieces of less than a table: the kernel leaves the tables behind. */
		write_pages(region, HUGE);
		for (unsigned long at = 0; at < REGION; at += HUGE)
			advise(region + at, PAGE, MADV_DONTNEED);
		return region;
	}
	write_pages(region, PAGE);
	if (!strcmp(kind, "shmem-thp"))
		advise(region, REGION, MADV_COLLAPSE);
	/* Whole tables: the kernel frees them, but not the PMD table above. */
	if (!strcmp(kind, "empty-pmd"))
		advise(region, REGION, MADV_DONTNEED);
	return region;
}

static pid_t start_worker(pid_t founder, const char *kind, char *region, int ready)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != founder)
		_exit(1);
	prctl(PR_SET_NAME, "ptregion");
	/* Empty tables come along in fork; a touch would fill them. */
	if (region && strncmp(kind, "empty", 5))
		read_pages(region);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	pid_t workers[WORKERS_MAX];
	int ready[2], count;
	char *region, byte;

	if (argc != 3 || (count = atoi(argv[2])) < 1 || count > WORKERS_MAX)
		errx(2, "usage: region KIND K");
	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		personality(ADDR_NO_RANDOMIZE);
		execv("/proc/self/exe", argv);
		err(1, "exec");
	}
	if (pipe(ready))
		err(1, "pipe");
	region = found(argv[1]);
	for (int i = 0; i < count; i++)
		workers[i] = start_worker(getpid(), argv[1], region, ready[1]);
	for (int i = 0; i < count; i++)
		if (read(ready[0], &byte, 1) != 1)
			errx(1, "a worker ended early");
	if (region && munmap(region, REGION))
		err(1, "munmap");
	printf("ready");
	for (int i = 0; i < count; i++)
		printf(" %d", workers[i]);
	printf("\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	for (int i = 0; i < count; i++)
		kill(workers[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
