/* SPDX-License-Identifier: BSD-2-Clause */
/* See tx.h. */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "tx.h"

enum tx_mode tx_mode_auto(const char *driver)
{
	static const struct {
		const char *driver;
		enum tx_mode mode;
	} measured[] = {
		{ "veth", TX_DIRECT }, /* the ring is 10 % slower there */
	};

	for (size_t i = 0; i < ARRAY_SIZE(measured); i++)
		if (!strcmp(driver, measured[i].driver))
			return measured[i].mode;
	return TX_DIRECT; /* not measured: what never holds a frame back */
}

bool tx_again(int err, bool patient, int *tries)
{
	static const struct timespec nap = { .tv_nsec = 100000 };
	bool full = err == EAGAIN || err == EINTR;

	if (patient)
		full |= err == ENOBUFS || err == ENOMEM;
	if (!full || ++*tries >= (patient ? TX_TRIES_PATIENT : TX_TRIES))
		return false;
	if (patient && *tries > TX_TRIES)
		nanosleep(&nap, NULL);
	return true;
}

enum reason tx_reason(int err)
{
	switch (err) {
	case EAGAIN:
	case ENOBUFS: /* the device or its qdisc dropped it */
	case ENOMEM:
		return REASON_TX_FULL;
	case EMSGSIZE: /* the MTU shrank meanwhile */
		return REASON_OVERSIZE;
	case ENETDOWN:
	case ENXIO: /* the interface is gone */
	case ENODEV:
		return REASON_LINK_DOWN;
	}
	return REASON_TX_ERROR;
}
