/* The calls of a program. */
#ifndef PERFORM_H
#define PERFORM_H

#include "report.h"
#include "touch.h"
#include "uffd.h"
#include <asm/stat.h>
#include <linux/ipc.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/uio.h>

#define GIGABYTE (1L << 30)

static int ext4_folder, tmpfs_folder;
static u8 resident[RESIDENT_PAGES_MAX];

/* A range that wraps around is refused by every call. */
static int reaches_own(u64 address, u64 bytes)
{
	u64 end = address + (bytes ? bytes : 1);

	return address < OWN_END && end > OWN;
}

/* Advice that destroys frames, not only for the one who asks. The kernel reads 32 bits of it. */
static int poisons(s64 advice)
{
	return (s32)advice == MADV_HWPOISON || (s32)advice == MADV_SOFT_OFFLINE;
}

/* Whether a call leaves the executor and the machine alone: its slot, the frames, the disk. */
static int is_harmless(u32 call, const s64 *a)
{
	switch (call) {
	case CALL_mmap:
		/* A hint is followed to what is free of the slot; its first page never is. */
		if (a[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE))
			return !reaches_own(a[0], a[1]);
		return !reaches_own(a[0], 1);
	case CALL_mremap:
		return !reaches_own(a[0], a[1]) && !reaches_own(a[0], a[2]) &&
		       (!(a[3] & MREMAP_FIXED) || !reaches_own(a[4], a[2]));
	case CALL_madvise:
		return !reaches_own(a[0], a[1]) && !poisons(a[2]);
	case CALL_process_madvise:
		return !reaches_own(a[1], a[2]) && !reaches_own(a[3], a[4]) && !poisons(a[5]);
	case CALL_shmget:
		return a[1] <= GIGABYTE;
	case CALL_shmat:
		return !reaches_own(a[1], GIGABYTE);
	case CALL_fallocate:
		return a[3] <= GIGABYTE;
	case CALL_fill:
		return a[2] <= GIGABYTE;
	case CALL_stripe:
		return !reaches_own(a[0], a[1] * 2 * PAGE);
	case CALL_load:
	case CALL_store:
	case CALL_peek:
	case CALL_poke:
		return !reaches_own(a[0], a[1] * PAGE);
	case CALL_fetch:
		return !reaches_own(a[0], 1);
	case CALL_uffd_copy:
	case CALL_uffd_move:
		return !reaches_own(a[1], a[3]) && !reaches_own(a[2], a[3]);
	case CALL_uffd_register:
	case CALL_uffd_unregister:
	case CALL_uffd_wake:
	case CALL_uffd_zeropage:
	case CALL_uffd_continue:
	case CALL_uffd_poison:
	case CALL_uffd_writeprotect:
		return !reaches_own(a[1], a[2]);
	case CALL_scan:
		return !reaches_own(a[0], a[1]) && a[4] <= SCAN_REGIONS;
	case CALL_mincore:
		return a[1] < 0 || a[1] <= RESIDENT_PAGES_MAX * (s64)PAGE;
	case CALL_munmap:
	case CALL_mprotect:
	case CALL_mlock:
	case CALL_mlock2:
	case CALL_munlock:
	case CALL_msync:
		return !reaches_own(a[0], a[1]);
	}
	return 1;
}

/* Gives a new file its number; its inode tells the mappings of it from others in smaps. */
static s64 place_file(s64 fd, s64 number, struct outcome *outcome)
{
	struct stat stat;

	if (fd < 0)
		return fd;
	must(syscall(dup3, fd, number, O_CLOEXEC), "executor: cannot number a file");
	syscall(close, fd);
	must(syscall(fstat, number, &stat), "executor: cannot stat a file");
	outcome->address = stat.st_ino;
	outcome->code = stat.st_dev;
	return 0;
}

static s64 create_memfd(const s64 *a, struct outcome *outcome)
{
	static char name[NAME_BYTES_MAX + 1];

	memset(name, 'm', a[2]);
	name[a[2]] = 0;
	return place_file(syscall(memfd_create, name, a[1]), a[0], outcome);
}

/* Opens an open file once more, perhaps with fewer rights. */
static s64 reopen(const s64 *a, struct outcome *outcome)
{
	char path[] = "/proc/self/fd/   ";
	char *end = path + sizeof(path) - 1;
	u64 number = a[1];

	do {
		*--end = '0' + number % 10;
		number /= 10;
	} while (number);
	/* Leading spaces become slashes, which a path may have any number of. */
	while (end[-1] == ' ')
		*--end = '/';
	return place_file(syscall(open, path, a[2]), a[0], outcome);
}

/* Writes page by page: one large write would make large folios. */
static s64 fill(const s64 *a)
{
	static u8 page[PAGE];
	s64 done = 0;

	memset(page, a[3], PAGE);
	while (done < a[2]) {
		s64 at = a[1] + done, piece = PAGE - at % PAGE, left = a[2] - done;
		s64 got = syscall(pwrite64, a[0], page, piece < left ? piece : left, at);

		if (got <= 0)
			return got;
		done += got;
	}
	return done;
}

static s64 advise_process(const s64 *a)
{
	struct iovec ranges[2] = { { (void *)a[1], a[2] }, { (void *)a[3], a[4] } };
	s64 fd = syscall(pidfd_open, shared->pids[a[0]], 0);
	s64 result;

	if (fd < 0)
		return fd;
	result = syscall(process_madvise, fd, ranges, 2, a[5], a[6]);
	syscall(close, fd);
	return result;
}

/* Makes two VMAs more with each page, until there may be no more. */
static s64 stripe(const s64 *a)
{
	s64 done = 0;

	while (done < a[1] && syscall(mprotect, a[0] + 2 * done * PAGE, PAGE, a[2]) == 0)
		done++;
	return done;
}

static s64 perform(u32 at, u32 call, const s64 *a, struct outcome *outcome)
{
	s64 result;

	switch (call) {
	case CALL_mmap:
		return syscall(mmap, a[0], a[1], a[2], a[3], a[4], a[5]);
	case CALL_munmap:
		return syscall(munmap, a[0], a[1]);
	case CALL_mprotect:
		return syscall(mprotect, a[0], a[1], a[2]);
	case CALL_stripe:
		return stripe(a);
	case CALL_mremap:
		return syscall(mremap, a[0], a[1], a[2], a[3], a[4]);
	case CALL_brk:
		return syscall(brk, a[0]);
	case CALL_madvise:
		return syscall(madvise, a[0], a[1], a[2]);
	case CALL_process_madvise:
		return advise_process(a);
	case CALL_mincore:
		result = syscall(mincore, a[0], a[1], resident);
		if (result == 0)
			emit(RECORD_RESIDENT, at, resident, (a[1] + PAGE - 1) / PAGE);
		return result;
	case CALL_scan:
		return scan_pages(at, a);
	case CALL_mlock:
		return syscall(mlock, a[0], a[1]);
	case CALL_mlock2:
		return syscall(mlock2, a[0], a[1], a[2]);
	case CALL_munlock:
		return syscall(munlock, a[0], a[1]);
	case CALL_mlockall:
		return syscall(mlockall, a[0]);
	case CALL_munlockall:
		return syscall(munlockall);
	case CALL_msync:
		return syscall(msync, a[0], a[1], a[2]);
	case CALL_memfd_create:
		return create_memfd(a, outcome);
	case CALL_open:
		result = syscall(openat, a[1] ? tmpfs_folder : ext4_folder, ".",
				 O_TMPFILE | O_RDWR, 0600);
		return place_file(result, a[0], outcome);
	case CALL_reopen:
		return reopen(a, outcome);
	case CALL_ftruncate:
		return syscall(ftruncate, a[0], a[1]);
	case CALL_fallocate:
		return syscall(fallocate, a[0], a[1], a[2], a[3]);
	case CALL_fill:
		return fill(a);
	case CALL_shmget:
		result = syscall(shmget, IPC_PRIVATE, a[1], a[2] | 0600);
		if (result < 0)
			return result;
		outcome->address = shared->segments[a[0]] = result;
		return 0;
	case CALL_shmat:
		return syscall(shmat, shared->segments[a[0]], a[1], a[2]);
	case CALL_shmdt:
		return syscall(shmdt, a[0]);
	case CALL_shmctl:
		return syscall(shmctl, shared->segments[a[0]], a[1], 0);
	case CALL_userfaultfd:
	case CALL_uffd_close:
	case CALL_uffd_api:
	case CALL_uffd_register:
	case CALL_uffd_unregister:
	case CALL_uffd_wake:
	case CALL_uffd_copy:
	case CALL_uffd_zeropage:
	case CALL_uffd_continue:
	case CALL_uffd_poison:
	case CALL_uffd_writeprotect:
	case CALL_uffd_move:
		return perform_uffd(call, a);
	case CALL_peek:
	case CALL_poke:
		return debug(call, a[0], a[1], a[2]);
	case CALL_observe:
		observe(at);
		return 0;
	}
	return touch(call, a[0], call == CALL_fetch ? 1 : a[1], a[2]);
}

#endif
