/*
 * Does what the lines of its input say while a virtual machine follows its address space, and leaves
 * a mark in the trace before each: what the kernel tells notifiers stands between the marks.
 *
 *     c NUMBER A B C D E F    a system call
 *     l ADDRESS, s ADDRESS    reads or writes the word there; -1 if that is a signal
 *     f                       a child that ends at once
 *
 * Usage: notifier MARKER FD PAGES, where FD becomes a file in memory of so many pages.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS_MAX 4096

struct step {
	char kind;
	long a[7];
};

static struct step steps[STEPS_MAX];
static long results[STEPS_MAX];
static sigjmp_buf back;

static void on_signal(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

static long touch(char kind, long address)
{
	volatile long *word = (volatile long *)address;

	if (sigsetjmp(back, 1))
		return -1;
	if (kind == 'l')
		(void)*word;
	else
		*word = 1;
	return 0;
}

static long child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static long perform(const struct step *step)
{
	const long *a = step->a;

	if (step->kind == 'c')
		return syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	if (step->kind == 'f')
		return child();
	return touch(step->kind, a[0]);
}

int main(int argc, char **argv)
{
	int count = 0, fd, kvm, marker;
	cpu_set_t one;
	char line[256], mark[32];

	if (argc != 4)
		return 2;
	/* A page that waits in a list of another CPU is copied, as one that somebody else holds. */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return 3;
	while (count < STEPS_MAX && fgets(line, sizeof(line), stdin)) {
		struct step *s = &steps[count++];

		sscanf(line, "%c %ld %ld %ld %ld %ld %ld %ld", &s->kind, &s->a[0], &s->a[1],
		       &s->a[2], &s->a[3], &s->a[4], &s->a[5], &s->a[6]);
	}
	marker = open(argv[1], O_WRONLY);
	fd = memfd_create("pages", 0);
	kvm = open("/dev/kvm", O_RDWR);
	if (marker < 0 || fd < 0 || ftruncate(fd, atol(argv[3]) * 4096) || dup2(fd, atoi(argv[2])) < 0)
		return 3;
	if (kvm < 0 || ioctl(kvm, KVM_CREATE_VM, 0) < 0)
		return 4;
	signal(SIGSEGV, on_signal);
	signal(SIGBUS, on_signal);
	for (int at = 0; at < count; at++) {
		int length = snprintf(mark, sizeof(mark), "step %d", at);

		if (write(marker, mark, length) != length)
			return 5;
		results[at] = perform(&steps[at]);
	}
	if (write(marker, "end", 3) != 3)
		return 5;
	for (int at = 0; at < count; at++)
		printf("%ld\n", results[at]);
	return 0;
}
