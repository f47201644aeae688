/* Calls that take huge pages, and some that do not get any: recorded, and replayed. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>

#define HUGE (2UL << 20)
#define RW (PROT_READ | PROT_WRITE)
#define SIZE(log) ((unsigned)(log) << 26)

static void *map(void *at, size_t length, int prot, int flags, int fd, off_t offset)
{
	return mmap(at, length, prot, flags, fd, offset);
}

/* argv[1]: a file on hugetlbfs */
int main(int argc, char **argv)
{
	const int anonymous = MAP_ANONYMOUS | MAP_HUGETLB;
	char *a = map(0, 4 * HUGE, RW, MAP_PRIVATE | anonymous, -1, 0);
	char *b = map(0, HUGE + 1, RW, MAP_SHARED | anonymous, -1, 0);
	char *small = map(0, 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd, other, segment;

	a[0] = a[HUGE] = b[0] = small[0] = 1;
	/* More than there is. */
	map(0, 64 * HUGE, RW, MAP_PRIVATE | anonymous, -1, 0);
	map(0, 64 * HUGE, PROT_READ, MAP_SHARED | anonymous, -1, 0);
	/* Sizes that there are, and that there are not. */
	map(0, HUGE, RW, MAP_PRIVATE | anonymous | SIZE(21), -1, 0);
	map(0, HUGE, RW, MAP_PRIVATE | anonymous | SIZE(22), -1, 0);
	map(0, 1UL << 30, RW, MAP_PRIVATE | anonymous | SIZE(30), -1, 0);
	/* Hints and places. */
	map(small - 7 * HUGE, HUGE, RW, MAP_PRIVATE | anonymous, -1, 0);
	map(a - 8 * HUGE, HUGE, RW, MAP_PRIVATE | MAP_FIXED | anonymous, -1, 0);
	map(a - 8 * HUGE + 4096, HUGE, RW, MAP_PRIVATE | MAP_FIXED | anonymous, -1, 0);
	map(a, HUGE, RW, MAP_PRIVATE | MAP_FIXED_NOREPLACE | anonymous, -1, 0);
	munmap(a + 4096, 4096);
	munmap(a, 4096);
	mprotect(a, 4096, PROT_READ);
	mprotect(a + HUGE, HUGE, PROT_READ);
	munmap(a + 2 * HUGE, HUGE);
	madvise(a, HUGE, MADV_DONTNEED);
	madvise(a, HUGE, MADV_FREE);
	mlock(a, HUGE);
	msync(b, HUGE, MS_SYNC);
	mremap(a, 2 * HUGE, HUGE, 0);
	mremap(a, HUGE, 8 * HUGE, MREMAP_MAYMOVE);
	mremap(b, HUGE, 4096, 0);

	fd = memfd_create("huge", MFD_HUGETLB);
	ftruncate(fd, 6 * HUGE);
	map(0, 2 * HUGE, RW, MAP_SHARED, fd, 0);
	map(0, 2 * HUGE, RW, MAP_SHARED, fd, 4096);
	map(0, 2 * HUGE, RW, MAP_PRIVATE, fd, HUGE);
	map(0, 4096, RW, MAP_SHARED, fd, 0);
	map(0, 64 * HUGE, RW, MAP_SHARED, fd, 0);
	fallocate(fd, 0, 0, 5 * HUGE);
	/* Now there are fewer left. */
	map(0, 6 * HUGE, RW, MAP_PRIVATE | anonymous, -1, 0);
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 3 * HUGE, 2 * HUGE);
	map(0, 3 * HUGE, RW, MAP_PRIVATE | anonymous, -1, 0);
	ftruncate(fd, HUGE);
	map(0, 5 * HUGE, RW, MAP_PRIVATE | anonymous, -1, 0);
	close(fd);
	other = memfd_create("sized", MFD_HUGETLB | SIZE(21));
	map(0, HUGE, PROT_READ, MAP_SHARED | MAP_HUGETLB, other, 0);
	memfd_create("none", MFD_HUGETLB | SIZE(22));

	segment = shmget(IPC_PRIVATE, HUGE + 4096, IPC_CREAT | SHM_HUGETLB | 0600);
	if (segment >= 0) {
		char *s = shmat(segment, 0, 0);

		shmat(segment, s - 4 * HUGE, 0);
		shmat(segment, s - 4 * HUGE + 4096, SHM_RND);
		shmdt(s);
		shmctl(segment, IPC_RMID, 0);
	}
	other = open(argv[argc - 1], O_RDWR | O_CREAT, 0600);
	map(0, 2 * HUGE, RW, MAP_SHARED, other, 0);
	map(0, 3 * HUGE, RW, MAP_PRIVATE, other, HUGE);
	map(0, HUGE, RW, MAP_SHARED, other, 4096);
	if (fork() == 0) {
		munmap(b, 2 * HUGE);
		map(0, HUGE, RW, MAP_SHARED | anonymous, -1, 0);
		_exit(0);
	}
	wait(0);
	munmap(b, 2 * HUGE);
	map(0, 2 * HUGE, RW, MAP_SHARED | anonymous, -1, 0);
	return 0;
}
