/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bumpctl top`: how a bridge is, again and again, until somebody ends it. On a
 * terminal that can move its cursor a screen with keys, elsewhere plain lines.
 * It only looks: nothing is changed in the bridge.
 */
#ifndef BUMPWIRE_TOP_H
#define BUMPWIRE_TOP_H

struct ctl_client;
struct ctl_options;

/*
 * Show it each interval (0: a second), `count` turns (0: on and on), until a
 * key, SIGINT, SIGTERM or SIGHUP. A bridge that goes away is waited for; one
 * that is not there at the start is an error. The client logs why, and is
 * hushed from then on. 0, or -errno (logged). The terminal is as it was,
 * however it ends.
 */
int top_run(struct ctl_client *client, const struct ctl_options *options);

#endif
