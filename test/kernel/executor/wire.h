/*
 * The two streams of the executor, and what its processes share.
 *
 * In: per program a u32, the count of steps, then that many `struct step`.
 * Out: `struct record`s, each followed by as many bytes as it says. RECORD_INITIAL comes once and
 * first; RECORD_OUTCOMES ends each program. Long texts and lists come in several records.
 *
 * kernel_judge.ts compiles with -D for each constant that is in capital letters and not declared
 * here, and for each CALL_name.
 */
#ifndef WIRE_H
#define WIRE_H

#include "bare.h"

#define PAGE 4096UL
#define TASK_SIZE 0x7ffffffff000UL
#define OWN_END (OWN + 512 * PAGE)
#define SHARED_AT (OWN + 256 * PAGE)
#define OPERANDS 7
#define NOBODY (~0U)

/* One argument: `value`, plus the result of step `base` - 1, rounded down to a power of two. */
struct operand {
	s64 value;
	u32 base; /* 0: none */
	u32 shift;
};

struct step {
	u32 call;
	u32 process;
	struct operand operands[OPERANDS];
};

struct outcome {
	s64 value;   /* or -errno */
	u64 address; /* of a fault; the inode of a new file; the id of a new segment */
	s32 signal;  /* 0: the call returned; NOT_RUN: see is_harmless() */
	s32 code;    /* of the signal; the device of a new file */
};

struct record {
	u32 type;
	u32 process;
	u32 step;
	u32 bytes;
};

static struct shared {
	volatile u32 position;
	volatile u32 exiting; /* the process that is about to end as it should, or NOBODY */
	volatile s32 pids[PROCESSES_MAX];
	u32 stacks[PROCESSES_MAX]; /* on which of the executor's each of them is */
	s32 segments[SEGMENTS_MAX];
	struct outcome outcomes[STEPS_MAX];
} *const shared = (struct shared *)SHARED_AT;

static u32 self, count;
static struct step steps[STEPS_MAX];

#endif
