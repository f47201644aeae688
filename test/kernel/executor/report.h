/* What the executor writes: records, and the state of an address space. */
#ifndef REPORT_H
#define REPORT_H

#include "wire.h"
#include <linux/fcntl.h>

struct page_region {
	u64 start, end, categories;
};

/* struct pm_scan_arg of Linux 6.7; Debian 12 has older headers. */
struct page_scan {
	u64 size, flags, start, end, walk_end, vec, vec_len, max_pages;
	u64 category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGEMAP_SCAN 0xc0606610UL
#define PAGE_IS_WRITTEN (1 << 1)
#define PAGE_IS_FILE (1 << 2)
#define PAGE_IS_PRESENT (1 << 3)
#define PAGE_IS_SWAPPED (1 << 4)
#define PAGE_IS_PFNZERO (1 << 5)
#define PAGE_IS_HUGE (1 << 6)
#define PAGE_IS_GUARD (1 << 8)
#define SCAN_REGIONS 1024

static void write_all(const void *from, u64 bytes)
{
	while (bytes) {
		s64 written = must(syscall(write, 1, from, bytes), "executor: cannot write");

		from += written;
		bytes -= written;
	}
}

static void emit(u32 type, u32 step, const void *payload, u32 bytes)
{
	struct record record = { type, self, step, bytes };

	write_all(&record, sizeof(record));
	write_all(payload, bytes);
}

static int is_own(const char *line)
{
	u64 start = 0;

	for (; *line != '-'; line++)
		start = start * 16 + (*line <= '9' ? *line - '0' : *line - 'a' + 10);
	return start >= OWN && start < OWN_END;
}

/* Of smaps, a VMA's first line and its flags; of status and meminfo, lines about memory. */
static int is_wanted(const char *line, u32 type, int *own)
{
	if (type == RECORD_COUNTERS)
		return starts_with(line, "Vm") || starts_with(line, "Rss") ||
		       starts_with(line, "Huge");
	if (*line < 'A' || *line > 'Z')
		*own = is_own(line);
	else if (!starts_with(line, "VmFlags"))
		return 0;
	return *own == (type == RECORD_OWN_VMAS);
}

static void emit_lines(const char *path, u32 type, u32 step)
{
	static char text[8 * PAGE];
	u64 filled = 0;
	int own = 0;
	s64 got, fd = must(syscall(open, path, O_RDONLY), "executor: cannot open a file of /proc");

	while ((got = syscall(read, fd, text + filled, sizeof(text) - filled)) > 0) {
		char *line = text, *kept = text, *end = text + filled + got;

		for (char *at = line; at < end; at++) {
			if (*at != '\n')
				continue;
			if (is_wanted(line, type, &own)) {
				memcpy(kept, line, at + 1 - line);
				kept += at + 1 - line;
			}
			line = at + 1;
		}
		if (kept > text)
			emit(type, step, text, kept - text);
		filled = end - line;
		memcpy(text, line, filled);
	}
	must(got, "executor: cannot read a file of /proc");
	syscall(close, fd);
}

static void emit_pages(u32 type, u32 step, u64 start, u64 end)
{
	static struct page_region regions[SCAN_REGIONS];
	const u64 present = PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_GUARD;
	struct page_scan scan = {
		.size = sizeof(scan), .start = start, .end = end, .walk_end = start,
		.vec = (u64)regions, .vec_len = SCAN_REGIONS,
	};
	s64 found, fd = must(syscall(open, "/proc/self/pagemap", O_RDONLY),
			     "executor: cannot open /proc/self/pagemap");

	if (type == RECORD_PAGES) {
		scan.category_anyof_mask = present;
		scan.return_mask = present | PAGE_IS_FILE | PAGE_IS_PFNZERO | PAGE_IS_HUGE;
	} else {
		/* Asked for nothing else, the kernel also reports empty entries, if they exist. */
		scan.category_mask = scan.return_mask = PAGE_IS_WRITTEN;
	}
	for (; scan.walk_end < end; scan.start = scan.walk_end) {
		found = must(syscall(ioctl, fd, PAGEMAP_SCAN, &scan),
			     "executor: cannot scan pages");
		if (found)
			emit(type, step, regions, found * sizeof(*regions));
	}
	syscall(close, fd);
}

/* Of `categories` of calls.ts, those that are the `index`-th. */
static u64 categories_of(s64 categories, u32 index)
{
	return categories >> 9 * index & 511;
}

static s64 scan_pages(u32 step, const s64 *a)
{
	static struct page_region regions[SCAN_REGIONS + 1];
	struct page_scan scan = {
		.size = sizeof(scan), .flags = a[2], .start = a[0], .end = a[0] + a[1],
		.vec = a[4] ? (u64)regions : 0, .vec_len = a[4], .max_pages = a[5],
		.category_inverted = categories_of(a[3], 0),
		.category_mask = categories_of(a[3], 1),
		.category_anyof_mask = categories_of(a[3], 2),
		.return_mask = categories_of(a[3], 3),
	};
	s64 fd = must(syscall(open, "/proc/self/pagemap", O_RDONLY),
		      "executor: cannot open /proc/self/pagemap");
	s64 found = syscall(ioctl, fd, PAGEMAP_SCAN, &scan);

	syscall(close, fd);
	if (found < 0)
		return found;
	regions[found] = (struct page_region){ scan.walk_end, scan.walk_end, 0 };
	emit(RECORD_SCANNED, step, regions, (found + 1) * sizeof(*regions));
	return found;
}

/*
 * Works off what this CPU has put off: pages to be put on LRU lists, lazily freed, mlocked or munlocked.
 * The kernel may do so at any time; what comes of the next step must not depend on it.
 */
static void drain_lists(void)
{
	static u8 page[PAGE] __attribute__((aligned(4096)));

	must(syscall(madvise, page, PAGE, 3 /* MADV_WILLNEED */), "executor: cannot drain lists");
}

#if WHOLE_FILES
static void emit_file(const char *path, u32 type, u32 step)
{
	static char text[8 * PAGE];
	s64 got, fd = must(syscall(open, path, O_RDONLY), "executor: cannot open a file of /proc");

	/* Of its own pages, all that will be written to are private from here on. */
	memset(text, 0, sizeof(text));
	while ((got = syscall(read, fd, text, sizeof(text))) > 0)
		emit(type, step, text, got);
	must(got, "executor: cannot read a file of /proc");
	syscall(close, fd);
}

struct frame {
	u64 page, entry, count, flags;
};

#define FRAMES 256
#define ENTRY_PRESENT (1UL << 63)
#define ENTRY_FRAME ((1UL << 55) - 1)

static u64 word_at(int fd, u64 index)
{
	u64 word = 0;

	must(syscall(pread64, fd, &word, sizeof(word), index * sizeof(word)),
	     "executor: cannot read a word of /proc");
	return word;
}

static void emit_frames(u32 step, u64 start, u64 end, const int *files)
{
	static struct frame frames[FRAMES];
	u32 count = 0;

	for (u64 page = start / PAGE; page < end / PAGE; page++) {
		u64 entry = word_at(files[0], page), number = entry & ENTRY_FRAME;
		int present = !!(entry & ENTRY_PRESENT);

		frames[count++] = (struct frame){
			page, entry,
			present ? word_at(files[1], number) : 0,
			present ? word_at(files[2], number) : 0,
		};
		if (count < FRAMES && page + 1 < end / PAGE)
			continue;
		emit(RECORD_FRAMES, step, frames, count * sizeof(*frames));
		count = 0;
	}
}

/* All pages that hold something. */
static void emit_all_frames(u32 step, u64 start, u64 end)
{
	static struct page_region regions[SCAN_REGIONS];
	const u64 present = PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_GUARD;
	struct page_scan scan = {
		.size = sizeof(scan), .start = start, .end = end, .walk_end = start,
		.vec = (u64)regions, .vec_len = SCAN_REGIONS,
		.category_anyof_mask = present, .return_mask = present,
	};
	int files[3] = {
		must(syscall(open, "/proc/self/pagemap", O_RDONLY), "executor: no pagemap"),
		must(syscall(open, "/proc/kpagecount", O_RDONLY), "executor: no kpagecount"),
		must(syscall(open, "/proc/kpageflags", O_RDONLY), "executor: no kpageflags"),
	};

	for (; scan.walk_end < end; scan.start = scan.walk_end) {
		s64 found = must(syscall(ioctl, files[0], PAGEMAP_SCAN, &scan),
				 "executor: cannot scan pages");

		for (s64 i = 0; i < found; i++)
			emit_frames(step, regions[i].start, regions[i].end, files);
	}
	for (u32 i = 0; i < 3; i++)
		syscall(close, files[i]);
}

static void observe_files(u32 step)
{
	emit_file("/proc/self/maps", RECORD_MAPS, step);
	emit_file("/proc/self/stat", RECORD_STAT, step);
	emit_file("/proc/self/smaps", RECORD_SMAPS, step);
	emit_file("/proc/self/smaps_rollup", RECORD_ROLLUP, step);
	emit_file("/proc/self/status", RECORD_STATUS, step);
	emit_file("/proc/self/statm", RECORD_STATM, step);
	emit_file("/proc/self/numa_maps", RECORD_NUMA_MAPS, step);
	emit_all_frames(step, 0, OWN);
	emit_all_frames(step, OWN_END, TASK_SIZE);
}
#endif

static void observe(u32 step)
{
#if WHOLE_FILES
	observe_files(step);
#endif
	emit_lines("/proc/self/smaps", RECORD_VMAS, step);
	emit_lines("/proc/self/status", RECORD_COUNTERS, step);
	emit_lines("/proc/meminfo", RECORD_COUNTERS, step);
	for (u32 type = RECORD_PAGES; type <= RECORD_TABLES; type++) {
		emit_pages(type, step, 0, OWN);
		emit_pages(type, step, OWN_END, TASK_SIZE);
	}
}

#endif
