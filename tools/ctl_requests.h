/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a bridge can be asked, as it is typed. request_list.h has the names; a
 * row here says how the words behind a name become a request, and how its answer
 * is shown. bridge/requests.h is the other end.
 */
#ifndef BUMPWIRE_CTL_REQUESTS_H
#define BUMPWIRE_CTL_REQUESTS_H

#include <stdbool.h>

#include "ctl_client.h"
#include "ctl_options.h"
#include "ctl_print.h"

struct ctl_request {
	/* Put the words into the request. 0, or -EINVAL (logged). NULL: there
	 * are none, or the one that may be there is a pair. */
	int (*make)(const struct ctl_options *o, json_t *request);
	/* What only the bridge can tell of them. 0, or as ctl_client_ask(). */
	int (*settle)(const struct ctl_options *o, struct ctl_client *client,
		      json_t *request);
	void (*print)(const struct ctl_answer *answer, FILE *out);
};

/* Beside request_info. */
extern const struct ctl_request ctl_request[REQUESTS];

/* A request's row; that of CTL_TOP, too. */
const struct request_info *ctl_request_info(int request);

/* Its name as it is typed: filter add */
#define CTL_NAME_BYTES 32
const char *ctl_request_name(int request, char buf[CTL_NAME_BYTES]);

/* The request that the first words name, and how many of them its name takes;
 * -EINVAL (logged). */
int ctl_request_find(char *const *word, int n, int *used);

/* Are there as many words as it takes? 0, or -EINVAL (logged). */
int ctl_request_check(int request, char *const *word, int n);

/* The request as JSON, for ctl_client_ask(), as far as words alone tell it. 0,
 * -EINVAL (logged) or -ENOMEM. */
int ctl_request_make(const struct ctl_options *o, json_t **request);

#endif
