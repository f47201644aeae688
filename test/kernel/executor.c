/*
 * executor EXT4_FOLDER TMPFS_FOLDER
 *
 * Reads programs of memory-management calls from its standard input, runs each in a bare process,
 * and writes to its standard output what the kernel did. wire.h describes the two streams.
 *
 * The address space. Linked at OWN, the executor keeps nothing but the slot [OWN, OWN_END), which
 * no program touches: code, data and stack, all of whose pages are anonymous and present, and pages
 * that the processes of a program share. The slot lies in 512 GiB of its own, so that it needs
 * three tables, always the same, and shares none with a program. Everything else is unmapped:
 * stack, heap, vdso. Each program starts in a fork of that.
 *
 * The order. A step names the process that performs it. All processes of a program walk the same
 * list; `shared->position` says which step is next, and who performs it hands over to the next.
 * Behind the last step every process left reports its final state and exits, in order of its
 * index. All processes are children of the server, which hands over for one that exits: only the
 * one who waits for it knows when its address space is gone.
 */
#include "executor/perform.h"
#include <linux/futex.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/resource.h>

/*
 * The linker puts this page right below where the heap is to start: exec starts it behind the
 * highest segment. The page itself is unmapped with everything else.
 */
static u8 below_heap[PAGE] __attribute__((used, section(".below_heap,\"aw\",@nobits#")));
static u8 stacks[PROCESSES_MAX][8 * PAGE] __attribute__((aligned(4096)));
extern u8 image_end[] asm("_end") __attribute__((visibility("hidden")));

/* ---- the processes of a program ---- */

static u32 owner_of(u32 position)
{
	return position < count ? steps[position].process : position - count;
}

/* Hands over to whoever performs the next step that has someone to perform it. */
static void go_on_at(u32 position)
{
	while (position < count + PROCESSES_MAX && !shared->pids[owner_of(position)])
		position++;
	shared->position = position;
	syscall(futex, &shared->position, FUTEX_WAKE, PROCESSES_MAX);
}

/* Whoever has the turn is `self`, also among those that share all memory. */
static u32 await_turn(u32 process)
{
	for (;;) {
		u32 position = shared->position;

		if (position < count + PROCESSES_MAX && owner_of(position) == process) {
			self = process;
			return position;
		}
		syscall(futex, &shared->position, FUTEX_WAIT, position, 0);
	}
}

static void __attribute__((noreturn)) leave(void)
{
	shared->exiting = self;
	exit_with(0);
}

/* What every process of a program does first, so that its own slot costs what it costs others. */
static void settle(u32 process)
{
	self = process;
	must(syscall(prctl, PR_SET_PDEATHSIG, SIGKILL), "executor: cannot set the death signal");
	must(syscall(madvise, SHARED_AT, sizeof(*shared), MADV_POPULATE_WRITE),
	     "executor: cannot populate the shared pages");
}

#define CLONE_FLAGS (CLONE_PARENT | CLONE_FILES | SIGCHLD)

static s64 start_process(u32 process)
{
	s64 pid;

	/* Settled before the next step, by the order of turns: this one is still its parent's. */
	pid = syscall(clone, CLONE_FLAGS, 0, 0, 0, 0);
	if (pid == 0)
		settle(process);
	if (pid > 0) {
		shared->pids[process] = pid;
		shared->stacks[process] = shared->stacks[self];
	}
	return pid > 0 ? process : pid;
}

/* Of a stack that nobody is on, in whatever address space. */
static u32 free_stack(void)
{
	u32 taken = 0, stack = 0;

	for (u32 i = 0; i < PROCESSES_MAX; i++)
		if (shared->pids[i])
			taken |= 1 << shared->stacks[i];
	while (taken & 1 << stack)
		stack++;
	return stack;
}

static void __attribute__((noreturn)) run_steps(u32 process);

static void __attribute__((noreturn, used)) run_shared(u32 process)
{
	must(syscall(prctl, PR_SET_PDEATHSIG, SIGKILL), "executor: cannot set the death signal");
	run_steps(process);
}

/* Starts a process in the address space of this one, on a stack of its own. */
static s64 start_shared(u32 process)
{
	register u64 number asm("r12") = process;
	u32 stack = free_stack();
	s64 pid;

	asm volatile("syscall\n\t"
		     "test %%eax, %%eax\n\t"
		     "jnz 1f\n\t"
		     "xor %%ebp, %%ebp\n\t"
		     "mov %%r12d, %%edi\n\t"
		     "call run_shared\n"
		     "1:"
		     : "=a"(pid)
		     : "a"(__NR_clone), "D"(CLONE_FLAGS | CLONE_VM), "S"(stacks[stack + 1]),
		       "r"(number)
		     : "rcx", "r11", "memory");
	if (pid > 0) {
		shared->pids[process] = pid;
		shared->stacks[process] = stack;
	}
	return pid > 0 ? process : pid;
}

static s64 resolve(const struct operand *operand)
{
	s64 base = operand->base ? shared->outcomes[operand->base - 1].value : 0;

	/* A call that failed has no result to stand on. */
	return (base < 0 ? 0 : base >> operand->shift << operand->shift) + operand->value;
}

static void run_steps(u32 process)
{
	for (;;) {
		struct outcome outcome = { 0 };
		s64 arguments[OPERANDS];
		u32 at = await_turn(process), call;

		drain_lists();
		if (at >= count) {
			observe(count);
			leave();
		}
		for (u32 i = 0; i < OPERANDS; i++)
			arguments[i] = resolve(&steps[at].operands[i]);
		call = steps[at].call;
		fault.signal = 0;
		if (call == CALL_exit) {
			shared->outcomes[at] = outcome;
			leave();
		}
		if (!is_harmless(call, arguments) ||
		    ((call == CALL_fork || call == CALL_thread) && shared->pids[arguments[0]]))
			outcome.signal = NOT_RUN;
		else if (call == CALL_thread)
			outcome.value = start_shared(arguments[0]);
		else if (call == CALL_fork) {
			outcome.value = start_process(arguments[0]);
			if (self != process) {
				process = self;
				continue;
			}
		} else
			outcome.value = perform(at, call, arguments, &outcome);
		if (fault.signal) {
			outcome.signal = fault.signal;
			outcome.code = fault.code;
			outcome.address = fault.address;
		}
		shared->outcomes[at] = outcome;
		go_on_at(at + 1);
	}
}

/* ---- the server ---- */

static void __attribute__((naked)) return_from_signal(void)
{
	asm("mov %0, %%eax\n\tsyscall" : : "i"(__NR_rt_sigreturn));
}

static void catch(int signal, void *handler)
{
	struct sigaction action = {
		.sa_handler = handler, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTORER,
		.sa_restorer = return_from_signal,
	};

	must(syscall(rt_sigaction, signal, &action, 0, sizeof(action.sa_mask)),
	     "executor: cannot catch a signal");
}

static void on_alarm(void)
{
}

static void set_alarm(u64 seconds)
{
	struct { u64 interval[2], value[2]; } timer = { { 0, 0 }, { seconds, 0 } };

	must(syscall(setitimer, 0 /* ITIMER_REAL */, &timer, 0), "executor: cannot set a timer");
}

/* Ends all processes that are left; reports how the program came to its end before its time. */
static void report_death(u32 process, u32 status)
{
	self = process;
	emit(RECORD_DIED, shared->position, &status, sizeof(status));
	for (u32 i = 0; i < PROCESSES_MAX; i++) {
		if (!shared->pids[i])
			continue;
		syscall(kill, shared->pids[i], SIGKILL);
		while (syscall(wait4, shared->pids[i], 0, 0, 0) == -4)
			;
		shared->pids[i] = 0;
	}
}

static u32 process_of(s64 pid)
{
	for (u32 i = 0; i < PROCESSES_MAX; i++)
		if (shared->pids[i] == pid)
			return i;
	die("executor: a child that it does not know");
}

/* Waits for all processes of a program, and hands over for each. */
static void supervise(void)
{
	u32 running = 1;

	for (set_alarm(PROGRAM_SECONDS_MAX); running; ) {
		u32 status, process;
		s64 pid = syscall(wait4, -1, &status, 0, 0);

		if (pid == -4) {
			report_death(NOBODY, SIGALRM);
			return;
		}
		process = process_of(must(pid, "executor: cannot wait for a process"));
		shared->pids[process] = 0;
		if (status || shared->exiting != process) {
			report_death(process, status);
			return;
		}
		shared->exiting = NOBODY;
		go_on_at(shared->position + 1);
		running = shared->position < count + PROCESSES_MAX;
	}
}

static void run_program(void)
{
	s64 pid;

	for (u32 i = 0; i < count; i++)
		shared->outcomes[i] = (struct outcome){ .signal = NOT_RUN };
	for (u32 i = 0; i < SEGMENTS_MAX; i++)
		shared->segments[i] = -1;
	shared->exiting = NOBODY;
	shared->position = count + PROCESSES_MAX;
	pid = must(syscall(clone, SIGCHLD, 0, 0, 0, 0), "executor: cannot fork");
	if (pid == 0) {
		settle(0);
		run_steps(0);
	}
	shared->pids[0] = pid;
	shared->stacks[0] = 0;
	go_on_at(0);
	supervise();
	set_alarm(0);
	for (u32 i = 0; i < SEGMENTS_MAX; i++)
		if (shared->segments[i] >= 0)
			syscall(shmctl, shared->segments[i], IPC_RMID, 0);
	self = 0;
	emit(RECORD_OUTCOMES, count, shared->outcomes, count * sizeof(struct outcome));
}

static int read_all(void *to, u64 bytes)
{
	while (bytes) {
		s64 got = must(syscall(read, 0, to, bytes), "executor: cannot read a program");

		if (got == 0)
			return 0;
		to += got;
		bytes -= got;
	}
	return 1;
}

static void describe(void)
{
	u64 place = must(syscall(mmap, 0, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			 "executor: cannot map a page");
	u64 initial[] = { OWN, OWN_END, place + PAGE, syscall(brk, 0), TASK_SIZE };

	must(syscall(munmap, place, PAGE), "executor: cannot unmap a page");
	emit(RECORD_INITIAL, 0, initial, sizeof(initial));
	emit_lines("/proc/self/smaps", RECORD_OWN_VMAS, 0);
}

static void __attribute__((noreturn, used)) serve(void)
{
	must(syscall(munmap, 0, OWN), "executor: cannot unmap what is below");
	must(syscall(munmap, OWN_END, TASK_SIZE - OWN_END), "executor: cannot unmap what is above");
	must(syscall(mprotect, OWN, image_end - (u8 *)OWN, PROT_READ | PROT_WRITE | PROT_EXEC),
	     "executor: cannot make its image writable");
	for (volatile u8 *at = (u8 *)OWN; at < image_end; at += PAGE)
		*at = *at;
	must(syscall(mmap, SHARED_AT, sizeof(*shared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
	     "executor: cannot map shared pages");
	describe();
	while (read_all(&count, sizeof(count))) {
		if (count > STEPS_MAX)
			die("executor: a program is too long");
		if (!read_all(steps, count * sizeof(*steps)))
			die("executor: a program ends early");
		run_program();
	}
	exit_with(0);
}

/* Turns randomization off, which takes effect with the next exec. */
static void restart_unrandomized(char **arguments)
{
	const u64 stack_limit[] = { 8 << 20, 8 << 20 };
	char *environment[] = { 0 };

	must(syscall(prlimit64, 0, RLIMIT_STACK, stack_limit, 0), "executor: cannot limit stacks");
	must(syscall(personality, ADDR_NO_RANDOMIZE), "executor: cannot turn randomization off");
	must(syscall(execve, "/proc/self/exe", arguments, environment), "executor: cannot restart");
}

/* One CPU for all: hand-overs are cheap, and per-CPU caches of pages are always the same one's. */
static void stay_on_this_cpu(void)
{
	u64 mask[16] = { 0 };
	u32 cpu;

	must(syscall(getcpu, &cpu, 0, 0), "executor: cannot tell its CPU");
	mask[cpu / 64] = 1UL << cpu % 64;
	must(syscall(sched_setaffinity, 0, sizeof(mask), mask), "executor: cannot stay on its CPU");
}

static void __attribute__((noreturn, used)) start(s64 *arguments)
{
	char **names = (char **)(arguments + 1);
	int fd, pipe[2];

	if (arguments[0] != 3)
		die("usage: executor EXT4_FOLDER TMPFS_FOLDER");
	if (syscall(personality, 0xffffffff) != ADDR_NO_RANDOMIZE)
		restart_unrandomized(names);
	must(syscall(prctl, PR_SET_PDEATHSIG, SIGKILL), "executor: cannot set the death signal");
	stay_on_this_cpu();
	/* If a program asks for all memory, it is the one to go. */
	fd = must(syscall(open, "/proc/self/oom_score_adj", O_WRONLY),
		  "executor: cannot open /proc/self/oom_score_adj");
	must(syscall(write, fd, "1000", 4), "executor: cannot volunteer for the OOM killer");
	syscall(close, fd);
	/* System V segments of programs die with the namespace, whatever happens. */
	must(syscall(unshare, CLONE_NEWIPC), "executor: cannot leave its IPC namespace");
	ext4_folder = must(syscall(open, names[1], O_DIRECTORY), "executor: no folder for files");
	tmpfs_folder = must(syscall(open, names[2], O_DIRECTORY), "executor: no folder on tmpfs");
	must(syscall(dup2, ext4_folder, FILE_DIRECTORY), "executor: cannot number the folder");
	must(syscall(pipe, pipe), "executor: cannot make a pipe");
	must(syscall(dup2, pipe[0], FILE_PIPE), "executor: cannot number the pipe");
	for (int signal = SIGILL; signal <= SIGTRAP; signal++)
		catch(signal, on_signal);
	catch(SIGSEGV, on_signal);
	catch(SIGBUS, on_signal);
	catch(SIGALRM, on_alarm);
	asm volatile("mov %0, %%rsp\n\t"
		     "xor %%ebp, %%ebp\n\t"
		     "call serve" : : "r"(stacks[1]));
	__builtin_unreachable();
}

asm(".globl _start\n_start: mov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start");
