/*
 * userfaultfd. Faults that would wait end in a signal (UFFD_FEATURE_SIGBUS): the programs that are
 * drawn ask for that, and for no events, as nobody would read them.
 */
#ifndef UFFD_H
#define UFFD_H

#include "wire.h"
#include <linux/fcntl.h>

/* Of linux/userfaultfd.h of Linux 6.18; Debian 12 has older headers. */
#define UFFDIO_API 0xc018aa3fUL
#define UFFDIO_REGISTER 0xc020aa00UL
#define UFFDIO_UNREGISTER 0x8010aa01UL
#define UFFDIO_WAKE 0x8010aa02UL
#define UFFDIO_COPY 0xc028aa03UL
#define UFFDIO_ZEROPAGE 0xc020aa04UL
#define UFFDIO_MOVE 0xc028aa05UL
#define UFFDIO_WRITEPROTECT 0xc018aa06UL
#define UFFDIO_CONTINUE 0xc020aa07UL
#define UFFDIO_POISON 0xc020aa08UL

#define UNTOUCHED 0x5a5a5a5aL

/*
 * What a call has done, in one number: -errno, if the field for that says the same; -errno less
 * UFFD_UNTOUCHED if the kernel has left the field alone; UFFD_PARTIAL plus the field if only some was
 * done; or the field.
 */
static s64 filled(s64 result, s64 field)
{
	if (result == 0)
		return field;
	if (result == -9 /* EBADF */)
		return result;
	if (field == UNTOUCHED)
		return result - UFFD_UNTOUCHED;
	return field == result ? result : UFFD_PARTIAL + field;
}

static s64 make_userfaultfd(const s64 *a)
{
	s64 fd = syscall(userfaultfd, a[1]);

	if (fd < 0)
		return fd;
	must(syscall(dup3, fd, a[0], O_CLOEXEC), "executor: cannot number a userfaultfd");
	syscall(close, fd);
	return 0;
}

/* Range, mode, and the field for what was done. */
static s64 fill_range(const s64 *a, u64 command)
{
	s64 request[4] = { a[1], a[2], a[3], UNTOUCHED };
	s64 result = syscall(ioctl, a[0], command, request);

	return filled(result, request[3]);
}

/* As that, with a source: COPY and MOVE. */
static s64 fill_from(const s64 *a, u64 command)
{
	s64 request[5] = { a[1], a[2], a[3], a[4], UNTOUCHED };
	s64 result = syscall(ioctl, a[0], command, request);

	return filled(result, request[4]);
}

static s64 agree(const s64 *a)
{
	s64 request[3] = { a[1], a[2], 0 };
	s64 result = syscall(ioctl, a[0], UFFDIO_API, request);

	return result < 0 ? result : request[1];
}

static s64 watch(const s64 *a)
{
	s64 request[4] = { a[1], a[2], a[3], 0 };
	s64 result = syscall(ioctl, a[0], UFFDIO_REGISTER, request);

	return result < 0 ? result : request[3];
}

static s64 perform_uffd(u32 call, const s64 *a)
{
	switch (call) {
	case CALL_userfaultfd:
		return make_userfaultfd(a);
	case CALL_uffd_close:
		return syscall(close, a[0]);
	case CALL_uffd_api:
		return agree(a);
	case CALL_uffd_register:
		return watch(a);
	case CALL_uffd_unregister:
		return syscall(ioctl, a[0], UFFDIO_UNREGISTER, a + 1);
	case CALL_uffd_wake:
		return syscall(ioctl, a[0], UFFDIO_WAKE, a + 1);
	case CALL_uffd_writeprotect:
		return syscall(ioctl, a[0], UFFDIO_WRITEPROTECT, a + 1);
	case CALL_uffd_copy:
		return fill_from(a, UFFDIO_COPY);
	case CALL_uffd_move:
		return fill_from(a, UFFDIO_MOVE);
	case CALL_uffd_zeropage:
		return fill_range(a, UFFDIO_ZEROPAGE);
	case CALL_uffd_continue:
		return fill_range(a, UFFDIO_CONTINUE);
	default:
		return fill_range(a, UFFDIO_POISON);
	}
}

#endif
