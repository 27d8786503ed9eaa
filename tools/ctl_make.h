/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the words of a command line become members of a request; see
 * ctl_requests.h. make: 0, -EINVAL (logged) or -ENOMEM. settle: what only the
 * bridge can tell of them; 0, or as ctl_client_ask().
 */
#ifndef BUMPWIRE_CTL_MAKE_H
#define BUMPWIRE_CTL_MAKE_H

#include "ctl_client.h"
#include "ctl_options.h"

/* The one word that there is. */
int ctl_make_pair(const struct ctl_options *o, json_t *request);

int ctl_make_check(const struct ctl_options *o, json_t *request);
int ctl_make_log(const struct ctl_options *o, json_t *request);
int ctl_make_filter_add(const struct ctl_options *o, json_t *request);
int ctl_make_filter_del(const struct ctl_options *o, json_t *request);
int ctl_make_filter_set(const struct ctl_options *o, json_t *request);
int ctl_make_set(const struct ctl_options *o, json_t *request);
int ctl_make_unset(const struct ctl_options *o, json_t *request);
int ctl_make_tap_start(const struct ctl_options *o, json_t *request);
int ctl_make_tap_stop(const struct ctl_options *o, json_t *request);
int ctl_make_tap_stream(const struct ctl_options *o, json_t *request);

int ctl_settle_filter_set(const struct ctl_options *o,
			  struct ctl_client *client, json_t *request);
int ctl_settle_set(const struct ctl_options *o, struct ctl_client *client,
		   json_t *request);

#endif
