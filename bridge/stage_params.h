/* SPDX-License-Identifier: BSD-2-Clause */
/* What each stage can be asked for, in one: for who reads a key's value without
 * knowing whose it is. */
#ifndef BUMPWIRE_STAGE_PARAMS_H
#define BUMPWIRE_STAGE_PARAMS_H

#include "delay.h"
#include "edit.h"
#include "impair.h"
#include "rate.h"

union stage_params {
	struct edit_params edit;
	struct impair_params impair;
	struct delay_params delay;
	struct rate_params rate;
};

#endif
