/*
 * What a program without a C library needs: system calls, and the few functions that gcc calls by
 * itself. A C library would map and unmap memory behind the back of the programs under test.
 */
#ifndef BARE_H
#define BARE_H

#include <asm/unistd.h>
#include <linux/types.h>

typedef __s32 s32;
typedef __s64 s64;
typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;

/* Returns what the kernel returns: a value, or -errno. */
static inline s64 call6(s64 number, s64 a, s64 b, s64 c, s64 d, s64 e, s64 f)
{
	register s64 r10 asm("r10") = d;
	register s64 r8 asm("r8") = e;
	register s64 r9 asm("r9") = f;
	s64 result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return result;
}

#define CALL_OF(_1, _2, _3, _4, _5, _6, _7, name, ...) name
#define CALL1(n) call6(n, 0, 0, 0, 0, 0, 0)
#define CALL2(n, a) call6(n, (s64)(a), 0, 0, 0, 0, 0)
#define CALL3(n, a, b) call6(n, (s64)(a), (s64)(b), 0, 0, 0, 0)
#define CALL4(n, a, b, c) call6(n, (s64)(a), (s64)(b), (s64)(c), 0, 0, 0)
#define CALL5(n, a, b, c, d) call6(n, (s64)(a), (s64)(b), (s64)(c), (s64)(d), 0, 0)
#define CALL6(n, a, b, c, d, e) call6(n, (s64)(a), (s64)(b), (s64)(c), (s64)(d), (s64)(e), 0)
#define CALL7(n, a, b, c, d, e, f) \
	call6(n, (s64)(a), (s64)(b), (s64)(c), (s64)(d), (s64)(e), (s64)(f))
/* syscall(mmap, 0, 4096, ...) */
#define syscall(name, ...) syscall_(__NR_##name, ##__VA_ARGS__)
#define syscall_(...) \
	CALL_OF(__VA_ARGS__, CALL7, CALL6, CALL5, CALL4, CALL3, CALL2, CALL1)(__VA_ARGS__)

void *memcpy(void *to, const void *from, u64 bytes)
{
	void *start = to;

	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
	return start;
}

void *memset(void *to, int byte, u64 bytes)
{
	void *start = to;

	asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(byte) : "memory");
	return start;
}

static inline u64 length_of(const char *text)
{
	u64 length = 0;

	while (text[length])
		length++;
	return length;
}

static inline int starts_with(const char *text, const char *prefix)
{
	while (*prefix)
		if (*text++ != *prefix++)
			return 0;
	return 1;
}

static inline void __attribute__((noreturn)) exit_with(int status)
{
	for (;;)
		syscall(exit_group, status);
}

static inline void __attribute__((noreturn)) die(const char *what)
{
	syscall(write, 2, what, length_of(what));
	syscall(write, 2, "\n", 1);
	exit_with(1);
}

/* For what must not fail: returns the value. */
static inline s64 must(s64 result, const char *what)
{
	if (result < 0 && result > -4096)
		die(what);
	return result;
}

#endif
