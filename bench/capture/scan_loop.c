/*
 * scan_loop PID...
 *
 * For each line of input, scans all mappings of the processes with the two PAGEMAP_SCAN calls of
 * the capture, and prints how many nanoseconds the calls took together. Does nothing with the
 * regions: this is what the kernel's part of a capture costs.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Newer than the headers of Debian 12: include/uapi/linux/fs.h. */
struct pm_scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

struct page_region {
	uint64_t start, end, categories;
};

#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
#define PAGE_IS_WRITTEN (1 << 1)
#define PAGE_IS_PRESENT (1 << 3)
#define PAGE_IS_SWAPPED (1 << 4)
#define PAGE_IS_HUGE (1 << 6)

enum { PROCESSES_MAX = 256, MAPPINGS_MAX = 1024, REGIONS_MAX = 65536 };

struct process {
	int pagemap;
	int mappings;
	uint64_t start[MAPPINGS_MAX], end[MAPPINGS_MAX];
};

static struct process processes[PROCESSES_MAX];
static struct page_region regions[REGIONS_MAX];

static void read_mappings(struct process *process, const char *pid)
{
	char path[64], line[4096];

	snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	process->pagemap = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	FILE *maps = fopen(path, "r");

	if (process->pagemap < 0 || !maps)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), maps)) {
		int at = process->mappings;

		if (strstr(line, "[vsyscall]"))
			continue;
		if (at == MAPPINGS_MAX ||
		    sscanf(line, "%lx-%lx", &process->start[at], &process->end[at]) != 2)
			errx(1, "%s: %s", path, line);
		process->mappings++;
	}
	fclose(maps);
}

static void scan(int pagemap, uint64_t start, uint64_t end, uint64_t mask, uint64_t anyof,
		 uint64_t returned)
{
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = start,
		.end = end,
		.vec = (uint64_t)regions,
		.vec_len = REGIONS_MAX,
		.category_mask = mask,
		.category_anyof_mask = anyof,
		.return_mask = returned,
	};

	while (arg.start < end) {
		int found = ioctl(pagemap, PAGEMAP_SCAN, &arg);

		if (found < 0)
			err(1, "PAGEMAP_SCAN");
		/* walk_end may be from before the last regions. */
		arg.start = arg.walk_end;
		if (found > 0 && regions[found - 1].end > arg.start)
			arg.start = regions[found - 1].end;
	}
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000UL + now.tv_nsec;
}

int main(int count, char **pids)
{
	const uint64_t populated = PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_HUGE;
	char line[16];

	if (count < 2 || count - 1 > PROCESSES_MAX)
		errx(2, "usage: scan_loop PID...");
	for (int at = 1; at < count; at++)
		read_mappings(&processes[at - 1], pids[at]);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t before = nanoseconds();

		for (int at = 0; at < count - 1; at++) {
			const struct process *process = &processes[at];

			for (int map = 0; map < process->mappings; map++) {
				uint64_t start = process->start[map], end = process->end[map];

				scan(process->pagemap, start, end, 0, populated, populated);
				scan(process->pagemap, start, end, PAGE_IS_WRITTEN, 0, PAGE_IS_WRITTEN);
			}
		}
		printf("%lu\n", nanoseconds() - before);
		fflush(stdout);
	}
	return 0;
}
