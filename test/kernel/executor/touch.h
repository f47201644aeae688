/* Touching memory, and living through it. */
#ifndef TOUCH_H
#define TOUCH_H

#include "wire.h"
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <linux/fcntl.h>

static struct {
	volatile u64 address;
	volatile s32 signal;
	volatile s32 code;
} fault;

/* Where to go on when memory cannot be touched; 0 while nothing is touched. */
static volatile u64 resume asm("resume");
static volatile u64 fetched;
/* What harmless instructions may read and write. */
static u8 sandbox[PAGE] __attribute__((aligned(4096)));

#define TRAP_FLAG 0x100UL

static void on_signal(int signal, siginfo_t *info, struct ucontext *context)
{
	struct sigcontext *registers = &context->uc_mcontext;
	int is_at_fetched = registers->rip == fetched;

	if (!resume)
		die("executor: a fault of its own");
	/* The trap behind the jump: the instruction that was jumped to comes next. */
	if (signal == SIGTRAP && is_at_fetched)
		return;
	/* What an instruction does once it is fetched is no concern of ours. */
	if (signal != SIGTRAP && signal != SIGILL &&
	    (!is_at_fetched || (u64)info->si_addr == fetched)) {
		fault.signal = signal;
		fault.code = info->si_code;
		fault.address = (u64)info->si_addr;
	}
	registers->rip = resume;
	registers->eflags &= ~TRAP_FLAG;
}

static u8 load(u64 address)
{
	u64 byte = 0;

	asm volatile("lea 1f(%%rip), %%rdx\n\t"
		     "mov %%rdx, %1\n\t"
		     "movzbl (%2), %k0\n"
		     "1:"
		     : "+&r"(byte), "=m"(resume)
		     : "r"(address)
		     : "rdx", "memory");
	return byte;
}

static void store(u64 address, u8 byte)
{
	asm volatile("lea 1f(%%rip), %%rdx\n\t"
		     "mov %%rdx, %0\n\t"
		     "movb %2, (%1)\n"
		     "1:"
		     : "=m"(resume)
		     : "r"(address), "q"(byte)
		     : "rdx", "memory");
}

/* Jumps to `address` with the trap flag set and all registers pointing to `registers`. */
static void __attribute__((naked)) fetch_at(u64 address, void *registers)
{
	(void)address;
	(void)registers;
	asm("push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
	    "mov %rsp, stack_of_fetch(%rip)\n\t"
	    "lea 1f(%rip), %rax; mov %rax, resume(%rip)\n\t"
	    "sub $256, %rsp; push %rdi; mov %rsi, %rax\n\t"
	    "mov %rax, %rbx; mov %rax, %rcx; mov %rax, %rdx; mov %rax, %rdi\n\t"
	    "mov %rax, %rbp; mov %rax, %r8; mov %rax, %r9; mov %rax, %r10\n\t"
	    "mov %rax, %r11; mov %rax, %r12; mov %rax, %r13; mov %rax, %r14; mov %rax, %r15\n\t"
	    "pushfq; orq $0x100, (%rsp); popfq\n\t"
	    "ret\n"
	    "1: mov stack_of_fetch(%rip), %rsp\n\t"
	    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
	    "cld; ret\n\t"
	    ".local stack_of_fetch; .comm stack_of_fetch, 8, 8");
}

/*
 * Executes one instruction, by single-stepping: that at the multiple of 16 at or below `address`,
 * so that it ends on the page where it starts. Memory holds zeroes or bytes that are harmless as
 * instructions (BYTES of program.ts); with all registers pointing into `sandbox`, so is what they
 * make of each other.
 */
static void fetch(u64 address)
{
	fetched = address & ~15UL;
	fetch_at(fetched, sandbox + sizeof(sandbox) / 2);
	fetched = 0;
}

/* Touches one byte in each of `pages` pages; the value of a load is a hash of what it found. */
static s64 touch(u32 call, u64 address, u64 pages, u8 byte)
{
	u32 hash = 0;

	fault.signal = 0;
	for (u64 at = address; pages-- && !fault.signal; at += PAGE) {
		if (call == CALL_load)
			hash = hash * 31 + load(at);
		else if (call == CALL_store)
			store(at, byte);
		else
			fetch(at);
	}
	resume = 0;
	return hash;
}

/* What a debugger does to the first byte of each page, until one cannot be had. */
static s64 debug(u32 call, u64 address, u64 pages, u8 byte)
{
	s64 fd = must(syscall(open, "/proc/self/mem", O_RDWR), "executor: cannot open its memory");
	s64 done = 1;
	u32 hash = 0;

	for (u64 at = address & ~(PAGE - 1UL); pages-- && done == 1; at += PAGE) {
		if (call == CALL_peek) {
			done = syscall(pread64, fd, &byte, 1, at);
			hash = hash * 31 + byte;
		} else {
			done = syscall(pwrite64, fd, &byte, 1, at);
		}
	}
	syscall(close, fd);
	return done < 0 ? done : hash;
}

#endif
