/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few macros of the house. Everything may include this file; it includes
 * nothing of ours.
 */
#ifndef BUMPWIRE_BASE_H
#define BUMPWIRE_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* autoclean(free_ptr) char *s = NULL; runs free_ptr(&s) when s leaves scope. */
#define autoclean(fn) __attribute__((cleanup(fn)))

#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* A counter has one writer, the thread that owns it; others read it relaxed. */
static inline void counter_add(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, *c + n, __ATOMIC_RELAXED);
}

static inline uint64_t counter_read(const uint64_t *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}

/* A flag or a number that one thread sets and others look at. */
#define shared_read(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define shared_write(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

/* Tell the core that this is a wait for another one's store. */
#if defined(__x86_64__) || defined(__i386__)
#define cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define cpu_relax() __asm__ volatile("yield" ::: "memory")
#else
#define cpu_relax() __asm__ volatile("" ::: "memory")
#endif

#endif
