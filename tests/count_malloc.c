/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library for LD_PRELOAD that counts who allocates memory: a row for each
 * thread, in the file that COUNT_MALLOC names. The file is mapped as long as
 * the process lives, so that whoever looks disturbs nobody and what a process
 * may still open later does not matter; a copy of it is a marker.
 *
 *	od -A n -v -t u8 -w64 FILE
 *
 * shows a thread a line: its id as gettid(2) has it (0: no thread), then its
 * calls of malloc, calloc, realloc, the aligned ones, free and mmap, and a 0.
 * Allocations that glibc makes for itself without the symbols (the stacks of
 * threads) are not among them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROWS 1024 /* threads in a life; the last row is of all that follow */

enum what { MALLOC, CALLOC, REALLOC, ALIGNED, FREE, MMAP, WHATS };

struct row {
	uint64_t tid;
	uint64_t calls[WHATS];
	uint64_t none;
};

struct table {
	struct row row[ROWS];
};

/* What glibc itself calls: to look them up by dlsym() would allocate. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

void *memalign(size_t alignment, size_t size);

/* Of the process, for a library has no other place; `mine` with room in every
 * thread from its start, so that to find it allocates nothing. */
static struct table *table;
static uint32_t rows;
static _Thread_local struct row *mine
	__attribute__((tls_model("initial-exec")));

static void *map(void *at, size_t size, int prot, int flags, int fd,
		 off_t offset)
{
	return (void *)syscall(SYS_mmap, at, size, prot, flags, fd, offset);
}

__attribute__((constructor)) static void open_table(void)
{
	const char *path = getenv("COUNT_MALLOC");
	void *p = MAP_FAILED;
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;

	if (fd >= 0 && !ftruncate(fd, sizeof(struct table)))
		p = map(NULL, sizeof(struct table), PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (p != MAP_FAILED)
		table = p;
}

static void count(enum what what)
{
	uint32_t i;

	if (!table)
		return; /* before the constructor */
	if (!mine) {
		i = __atomic_fetch_add(&rows, 1, __ATOMIC_RELAXED);
		mine = &table->row[i < ROWS ? i : ROWS - 1];
		mine->tid = (uint64_t)syscall(SYS_gettid);
	}
	__atomic_fetch_add(&mine->calls[what], 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size)
{
	count(MALLOC);
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	count(CALLOC);
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	count(REALLOC);
	return __libc_realloc(p, size);
}

void *memalign(size_t alignment, size_t size)
{
	count(ALIGNED);
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	count(ALIGNED);
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
	void *got;

	count(ALIGNED);
	if (alignment % sizeof(void *) || (alignment & (alignment - 1)))
		return EINVAL;
	got = __libc_memalign(alignment, size);
	if (!got)
		return ENOMEM;
	*p = got;
	return 0;
}

void free(void *p)
{
	int saved_errno = errno;

	if (p)
		count(FREE);
	__libc_free(p);
	errno = saved_errno;
}

void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	count(MMAP);
	return map(at, size, prot, flags, fd, offset);
}

void *mmap64(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	count(MMAP);
	return map(at, size, prot, flags, fd, offset);
}
