/*
 * layouts NAME
 *
 * One process with a known layout. Prints "ready START END", the bounds of its region in bytes, and
 * ends when its standard input does. Layouts with a second process print "other PID" before that.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KB 1024UL
#define MB (1024 * KB)
#define GB (1024 * MB)
#define PAGE (4 * KB)
#define HUGE (2 * MB)

/* Newer than the headers of Debian 12. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

static char *region;
static size_t region_length;

static void must(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
}

/* Reserves address space, aligned to 1 GiB and with a hole of 1 GiB on each side. */
static char *reserve(size_t length)
{
	size_t space = (length + GB - 1) / GB * GB + 3 * GB;
	char *start = mmap(NULL, space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		err(1, "reserving address space");
	must(munmap(start, space), "munmap");
	region = (char *)(((size_t)start + 2 * GB - 1) / GB * GB);
	region_length = length;
	return region;
}

static char *map_fd(size_t length, int flags, int fd)
{
	char *at = reserve(length);

	if (mmap(at, length, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) != at)
		err(1, "mapping the region");
	return at;
}

static char *map(size_t length, int flags)
{
	return map_fd(length, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

static void write_each(char *at, size_t length, size_t step)
{
	for (size_t offset = 0; offset < length; offset += step)
		at[offset] = 1;
}

static void read_each(const volatile char *at, size_t length, size_t step)
{
	for (size_t offset = 0; offset < length; offset += step)
		(void)at[offset];
}

static void advise(char *at, size_t length, int advice)
{
	must(madvise(at, length, advice), "madvise");
}

static void anon(void) { write_each(map(64 * MB, MAP_PRIVATE), 64 * MB, PAGE); }
static void sparse(void) { write_each(map(8 * GB, MAP_PRIVATE), 8 * GB, 37 * MB); }
static void every_other(void) { write_each(map(64 * MB, MAP_PRIVATE), 64 * MB, 2 * PAGE); }
static void zero_page(void) { read_each(map(64 * MB, MAP_PRIVATE), 64 * MB, PAGE); }
static void shmem(void) { write_each(map(64 * MB, MAP_SHARED), 64 * MB, PAGE); }

static void no_access(void)
{
	anon();
	must(mprotect(region, region_length, PROT_NONE), "mprotect");
}

/* Tables go with the page only if the whole table is dropped at once. */
static void empty_at(char *at, size_t length)
{
	for (size_t offset = 0; offset < length; offset += HUGE) {
		at[offset] = 1;
		advise(at + offset, PAGE, MADV_DONTNEED);
	}
}

static void empty(void) { empty_at(map(64 * MB, MAP_PRIVATE), 64 * MB); }

static void empty_pmd(void)
{
	write_each(map(64 * MB, MAP_PRIVATE), 64 * MB, PAGE);
	advise(region, 64 * MB, MADV_DONTNEED);
}

static void guard(void)
{
	advise(map(64 * MB, MAP_PRIVATE) + 8 * MB, 12 * MB, MADV_GUARD_INSTALL);
}

static void guard_removed(void)
{
	guard();
	advise(region + 8 * MB, 12 * MB, MADV_GUARD_REMOVE);
}

static void thp_zero(void)
{
	advise(map(64 * MB, MAP_PRIVATE), 64 * MB, MADV_HUGEPAGE);
	read_each(region, 64 * MB, HUGE);
}

static void thp(void)
{
	advise(map(64 * MB, MAP_PRIVATE), 64 * MB, MADV_HUGEPAGE);
	write_each(region, 64 * MB, HUGE);
}

static void thp_split(void)
{
	thp();
	must(mprotect(region + 6 * MB, PAGE, PROT_READ), "mprotect");
	advise(region + 10 * MB, PAGE, MADV_DONTNEED);
}

static void thp_dev_zero(void)
{
	advise(map_fd(64 * MB, MAP_PRIVATE, open("/dev/zero", O_RDWR)), 64 * MB, MADV_HUGEPAGE);
	write_each(region, 64 * MB, HUGE);
}

static int memfd(size_t length)
{
	int fd = memfd_create("layouts", 0);

	must(fd, "memfd_create");
	must(ftruncate(fd, length), "ftruncate");
	return fd;
}

static void thp_shmem(void)
{
	write_each(map_fd(64 * MB, MAP_SHARED, memfd(64 * MB)), 64 * MB, PAGE);
	advise(region, 64 * MB, MADV_COLLAPSE);
}

/* A private mapping of huge pages of a file, of which one is split by a write. */
static void thp_private_file(void)
{
	int fd = memfd(64 * MB);

	write_each(map_fd(64 * MB, MAP_SHARED, fd), 64 * MB, PAGE);
	advise(region, 64 * MB, MADV_COLLAPSE);
	must(munmap(region, 64 * MB), "munmap");
	read_each(map_fd(64 * MB, MAP_PRIVATE, fd), 64 * MB, PAGE);
	region[6 * MB] = 1;
}

static void touch_three_huge_pages(void)
{
	region[0] = region[HUGE] = region[6 * MB] = 1;
}

static void hugetlb(void)
{
	map(16 * MB, MAP_SHARED | MAP_HUGETLB);
	touch_three_huge_pages();
}

static void hugetlb_sysv(void)
{
	int id = shmget(IPC_PRIVATE, 16 * MB, SHM_HUGETLB | 0600);

	must(id, "shmget");
	if (shmat(id, reserve(16 * MB), 0) != region)
		err(1, "shmat");
	must(shmctl(id, IPC_RMID, NULL), "shmctl");
	touch_three_huge_pages();
}

/* On a mount of a mount namespace of its own, as in a container; it goes with the process. */
static void hugetlb_mount(void)
{
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "making mounts private");
	must(mount("none", "/tmp", "hugetlbfs", 0, "pagesize=2M"), "mount");
	map_fd(16 * MB, MAP_SHARED, open("/tmp/segment", O_RDWR | O_CREAT, 0600));
	touch_three_huge_pages();
}

/* 64 MiB under write protection, of which 8 MiB hold markers; behind it 16 MiB of empty tables. */
static void write_protected(void)
{
	struct uffdio_api api = { .api = UFFD_API,
				  .features = UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	must(uffd, "userfaultfd");
	must(ioctl(uffd, UFFDIO_API, &api), "UFFDIO_API");
	map(80 * MB, MAP_PRIVATE);
	struct uffdio_register all = { .range = { (size_t)region, 64 * MB },
				       .mode = UFFDIO_REGISTER_MODE_WP };
	struct uffdio_writeprotect some = { .range = { (size_t)region + 8 * MB, 8 * MB },
					    .mode = UFFDIO_WRITEPROTECT_MODE_WP };

	must(ioctl(uffd, UFFDIO_REGISTER, &all), "UFFDIO_REGISTER");
	must(ioctl(uffd, UFFDIO_WRITEPROTECT, &some), "UFFDIO_WRITEPROTECT");
	empty_at(region + 64 * MB, 16 * MB);
}

/* The ring of a software event: memory that no walk of the kernel shows. */
static void perf_ring(void)
{
	struct perf_event_attr event = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(event) };
	int fd = syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);

	must(fd, "perf_event_open");
	read_each(map_fd(9 * PAGE, MAP_SHARED, fd), 9 * PAGE, PAGE);
}

static void many_vmas(void)
{
	map(240 * MB, MAP_PRIVATE);
	for (size_t offset = 0; offset < 240 * MB; offset += 2 * PAGE) {
		region[offset] = 1;
		must(mprotect(region + offset, PAGE, PROT_READ), "mprotect");
	}
}

/* The child has a table of its own content where it has written. */
static void forked(void)
{
	int ends[2];
	char byte = 0;

	anon();
	must(pipe(ends), "pipe");
	int child = fork();

	must(child, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		region[20 * MB] = 2;
		must(write(ends[1], &byte, 1), "write");
		for (;;)
			pause();
	}
	must(read(ends[0], &byte, 1), "read");
	printf("other %d\n", child);
}

/* The child of vfork(2) runs in the address space of its parent, which waits for it. */
static void vforked(void)
{
	anon();
	if (vfork() == 0) {
		printf("other %d\nready %p %p\n", getpid(), region, region + region_length);
		fflush(stdout);
		getchar();
		_exit(0);
	}
	exit(0);
}

static const struct {
	const char *name;
	void (*make)(void);
} layouts[] = {
	{ "anon", anon },
	{ "sparse", sparse },
	{ "every-other", every_other },
	{ "zero-page", zero_page },
	{ "no-access", no_access },
	{ "empty", empty },
	{ "empty-pmd", empty_pmd },
	{ "guard", guard },
	{ "guard-removed", guard_removed },
	{ "shmem", shmem },
	{ "thp", thp },
	{ "thp-zero", thp_zero },
	{ "thp-split", thp_split },
	{ "thp-dev-zero", thp_dev_zero },
	{ "thp-shmem", thp_shmem },
	{ "thp-private-file", thp_private_file },
	{ "hugetlb", hugetlb },
	{ "hugetlb-sysv", hugetlb_sysv },
	{ "hugetlb-mount", hugetlb_mount },
	{ "write-protected", write_protected },
	{ "perf-ring", perf_ring },
	{ "many-vmas", many_vmas },
	{ "forked", forked },
	{ "vforked", vforked },
};

int main(int count, char **arguments)
{
	/* Without a parent there is nobody left to end this process. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t at = 0; at < sizeof(layouts) / sizeof(*layouts); at++) {
		if (count != 2 || strcmp(arguments[1], layouts[at].name) != 0)
			continue;
		layouts[at].make();
		printf("ready %p %p\n", region, region + region_length);
		fflush(stdout);
		getchar();
		return 0;
	}
	errx(2, "no such layout");
}
