/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as they stand in frames: big-endian, at any address. */
#ifndef BUMPWIRE_BE_H
#define BUMPWIRE_BE_H

#include <stdint.h>

static inline uint16_t be16_get(const uint8_t *from)
{
	return (uint16_t)(from[0] << 8 | from[1]);
}

static inline uint32_t be32_get(const uint8_t *from)
{
	return (uint32_t)be16_get(from) << 16 | be16_get(from + 2);
}

/* The low 16 bits. */
static inline void be16_put(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static inline void be32_put(uint8_t *to, uint32_t value)
{
	be16_put(to, value >> 16);
	be16_put(to + 2, value);
}

#endif
