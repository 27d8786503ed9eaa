/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words in network order and the sum of the Internet, as plainly as can be:
 * what the bridge's own are held against, so it shares no code with them.
 */
#ifndef PLAIN_SUM_H
#define PLAIN_SUM_H

#include <stdint.h>

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline uint32_t get16(const uint8_t *p)
{
	return (uint32_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* Word by word, as RFC 1071 tells it. */
static inline uint32_t plain_sum(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

#endif
