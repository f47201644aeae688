/*
 * mappers PROCESSES MEBIBYTES STEP
 *
 * Processes that map one shared segment of so many MiB with 4 KiB pages, and have touched every
 * STEP-th of them.
 * Prints the pids and then "ready"; ends them when standard input ends.
 */
#define _GNU_SOURCE
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void map_and_wait(int segment, size_t length, size_t step, int ready)
{
	char byte = 0;

	/* The parent may end without a chance to tell. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, segment, 0);

	if (at == MAP_FAILED)
		err(1, "mmap");
	for (size_t page = 0; page < length / PAGE; page += step)
		at[page * PAGE] = 1;
	if (write(ready, &byte, 1) != 1)
		err(1, "write");
	for (;;)
		pause();
}

int main(int count, char **arguments)
{
	if (count != 4)
		errx(2, "usage: mappers PROCESSES MEBIBYTES STEP");
	int processes = atoi(arguments[1]);
	size_t length = strtoul(arguments[2], NULL, 10) << 20;
	size_t step = strtoul(arguments[3], NULL, 10);
	int segment = memfd_create("ptshare-bench", MFD_CLOEXEC);
	int ends[2];
	char byte;

	if (segment < 0 || ftruncate(segment, length) || pipe(ends))
		err(1, "segment of %zu bytes", length);
	for (int process = 0; process < processes; process++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			map_and_wait(segment, length, step, ends[1]);
		if (read(ends[0], &byte, 1) != 1)
			err(1, "read");
		printf("%d\n", pid);
	}
	puts("ready");
	fflush(stdout);
	getchar();
	/* The children go with their parent. */
	return 0;
}
