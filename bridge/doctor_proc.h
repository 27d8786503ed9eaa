/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small files of /proc, /sys and /run as the doctor reads them: whole, as text,
 * and what stands in them. Nothing is logged.
 */
#ifndef BUMPWIRE_DOCTOR_PROC_H
#define BUMPWIRE_DOCTOR_PROC_H

#include <stdbool.h>

#include "base.h"

/* The file as a string, cut to size; the length, or -errno. */
int doctor_proc_text(char *text, size_t size, const char *fmt, ...)
	printf_like(3, 4);

/* The number that the file begins with. 0, -errno, or -EBADMSG. */
int doctor_proc_number(long long *value, const char *fmt, ...)
	printf_like(2, 3);

/* 0 or -errno; a file of /proc/sys is written in one piece. */
int doctor_proc_write(const char *path, long long value);

/*
 * The value of the first line "KEY SEPARATOR value", as in /proc/meminfo
 * (':'), /proc/PID/status (':') and files of key=value ('='), without the
 * blanks around it, cut to size. False, with "", if there is no such line.
 */
bool doctor_proc_value(const char *text, const char *key, char separator,
		       char *value, size_t size);

/* "6.1.0-18-amd64": 601; 0 when it does not begin so. */
unsigned int doctor_proc_version(const char *release);

/* Bit n of a mask as /proc/PID/status prints one, in hexadecimal. */
bool doctor_proc_bit(const char *mask, unsigned int n);

/*
 * A process of this name (as in /proc/PID/comm: cut to 15 characters) in the
 * network namespace of the calling thread, or in one that cannot be told. Its
 * pid, or 0.
 */
int doctor_proc_find(const char *comm);

#endif
