/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of bumpreplay's command line that change frames. */
#ifndef BUMPWIRE_REPLAY_EDIT_OPTIONS_H
#define BUMPWIRE_REPLAY_EDIT_OPTIONS_H

#include "args.h"

/* They fill a struct replay_options. */
extern const struct arg_group replay_args_edit;

#endif
