/*
 * Prints what a userfaultfd is told, one line for each message: what it is about, pages counted from
 * the start of eight pages, flags. A thread touches or changes memory, and this one reads and resolves.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <unistd.h>

#define PAGE 4096UL
#define PAGES 8
#define WAIT_MS 10000

static char *area, *alias, *spare, *other;
static int uffd;
static void (*action)(void);

static void must(int is_fine, const char *what)
{
	if (is_fine)
		return;
	perror(what);
	exit(1);
}

static void load_1(void) { (void)*(volatile char *)(area + PAGE); }
static void store_2(void) { *(volatile char *)(area + 2 * PAGE) = 1; }
static void store_3_within(void) { *(volatile char *)(area + 3 * PAGE + 100) = 1; }
static void remap_all(void)
{
	void *to = mremap(area, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other);

	must(to == other, "mremap");
}
static void give_back(void) { must(!madvise(area + PAGE, 2 * PAGE, MADV_DONTNEED), "madvise"); }
static void unmap_part(void) { must(!munmap(area + 6 * PAGE, 2 * PAGE), "munmap"); }
static void make_child(void)
{
	pid_t child = fork();

	must(child >= 0, "fork");
	if (child == 0)
		_exit(0);
	waitpid(child, 0, 0);
}

static void *run(void *unused)
{
	action();
	return unused;
}

static long page_of(unsigned long address, const char *base)
{
	return ((long)address - (long)base) / (long)PAGE;
}

/* Whether pages can be filled while an event is pending. */
static int fill(unsigned long page)
{
	struct uffdio_copy copy = { page, (unsigned long)spare, PAGE, 0, 0 };

	return ioctl(uffd, UFFDIO_COPY, &copy) ? errno : 0;
}

static void resolve(const struct uffd_msg *message)
{
	unsigned long page = message->arg.pagefault.address & ~(PAGE - 1);
	struct uffdio_continue more = { { page, PAGE }, 0, 0 };
	struct uffdio_writeprotect open = { { page, PAGE }, 0 };

	if (message->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP)
		must(!ioctl(uffd, UFFDIO_WRITEPROTECT, &open), "UFFDIO_WRITEPROTECT");
	else if (message->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_MINOR)
		must(!ioctl(uffd, UFFDIO_CONTINUE, &more), "UFFDIO_CONTINUE");
	else
		must(!fill(page), "UFFDIO_COPY");
}

static void tell(const char *name, const struct uffd_msg *message)
{
	switch (message->event) {
	case UFFD_EVENT_PAGEFAULT:
		printf("%s: fault %ld flags %lld\n", name,
		       page_of(message->arg.pagefault.address, area),
		       (long long)message->arg.pagefault.flags);
		break;
	case UFFD_EVENT_FORK:
		printf("%s: fork\n", name);
		close(message->arg.fork.ufd);
		break;
	case UFFD_EVENT_REMAP:
		printf("%s: remap %ld to %ld, %ld pages\n", name,
		       page_of(message->arg.remap.from, area), page_of(message->arg.remap.to, other),
		       (long)(message->arg.remap.len / PAGE));
		break;
	case UFFD_EVENT_REMOVE:
	case UFFD_EVENT_UNMAP:
		printf("%s: %s %ld to %ld\n", name,
		       message->event == UFFD_EVENT_REMOVE ? "remove" : "unmap",
		       page_of(message->arg.remove.start, area),
		       page_of(message->arg.remove.end, area));
	}
}

/* One message is told for each action. */
static void judge(const char *name, int is_shared, int mode, unsigned long features, void (*what)(void))
{
	struct uffdio_api api = { UFFD_API, features, 0 };
	struct uffdio_register watch = { .mode = mode };
	struct uffd_msg message;
	pthread_t thread;
	int file = memfd_create("pages", 0);

	must(file >= 0 && !ftruncate(file, PAGES * PAGE), "memfd_create");
	uffd = syscall(SYS_userfaultfd, O_NONBLOCK);
	must(uffd >= 0, "userfaultfd");
	must(!ioctl(uffd, UFFDIO_API, &api), "UFFDIO_API");
	area = mmap(area, PAGES * PAGE, PROT_READ | PROT_WRITE,
		    MAP_FIXED | (is_shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS),
		    is_shared ? file : -1, 0);
	must(area != MAP_FAILED, "mmap");
	alias = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	must(alias != MAP_FAILED, "mmap");
	if (is_shared)
		memset(alias, 1, PAGES * PAGE);
	else if (mode == UFFDIO_REGISTER_MODE_WP)
		memset(area, 1, PAGES * PAGE);
	watch.range.start = (unsigned long)area;
	watch.range.len = PAGES * PAGE;
	must(!ioctl(uffd, UFFDIO_REGISTER, &watch), "UFFDIO_REGISTER");
	if (mode == UFFDIO_REGISTER_MODE_WP) {
		struct uffdio_writeprotect protect = { watch.range, UFFDIO_WRITEPROTECT_MODE_WP };

		must(!ioctl(uffd, UFFDIO_WRITEPROTECT, &protect), "UFFDIO_WRITEPROTECT");
	}
	action = what;
	must(!pthread_create(&thread, 0, run, 0), "pthread_create");
	must(poll(&(struct pollfd){ uffd, POLLIN, 0 }, 1, WAIT_MS) == 1, "poll");
	if (features & ~UFFD_FEATURE_EXACT_ADDRESS)
		{ int e = fill((unsigned long)area); printf("%s: COPY while it waits: %d\n", name, e); }
	must(read(uffd, &message, sizeof(message)) == sizeof(message), "read");
	tell(name, &message);
	if (message.event == UFFD_EVENT_PAGEFAULT)
		resolve(&message);
	pthread_join(thread, 0);
	close(uffd);
	close(file);
	munmap(alias, PAGES * PAGE);
}

int main(void)
{
	area = mmap(0, 4 * PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	other = area + 2 * PAGES * PAGE;
	spare = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(spare, 7, PAGE);
	judge("missing, read", 0, UFFDIO_REGISTER_MODE_MISSING, 0, load_1);
	judge("missing, write", 0, UFFDIO_REGISTER_MODE_MISSING, 0, store_2);
	judge("missing, within", 0, UFFDIO_REGISTER_MODE_MISSING, 0, store_3_within);
	judge("wp", 0, UFFDIO_REGISTER_MODE_WP, 0, store_2);
	judge("wp of a file", 1, UFFDIO_REGISTER_MODE_WP, 0, store_2);
	judge("minor, read", 1, UFFDIO_REGISTER_MODE_MINOR, 0, load_1);
	judge("minor, write", 1, UFFDIO_REGISTER_MODE_MINOR, 0, store_2);
	judge("fork", 0, UFFDIO_REGISTER_MODE_MISSING, UFFD_FEATURE_EVENT_FORK, make_child);
	judge("remove", 0, UFFDIO_REGISTER_MODE_MISSING, UFFD_FEATURE_EVENT_REMOVE, give_back);
	judge("unmap", 0, UFFDIO_REGISTER_MODE_MISSING, UFFD_FEATURE_EVENT_UNMAP, unmap_part);
	judge("remap", 0, UFFDIO_REGISTER_MODE_MISSING, UFFD_FEATURE_EVENT_REMAP, remap_all);
	return 0;
}
