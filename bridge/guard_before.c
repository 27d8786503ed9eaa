/* SPDX-License-Identifier: BSD-2-Clause */
/* See guard_before.h. */
#include "config.h"

#include <bpf/bpf.h>
#include <linux/futex.h>
#include <sys/mman.h>

#include "guard.h"
#include "guard_before.h"
#include "link_tc.h"

#define MAPS_MAX 8 /* of a program */
#define TCX_INGRESS 46 /* BPF_TCX_INGRESS of 6.6's linux/bpf.h */

static int living_thread(const struct guard_owner *owner)
{
	uint32_t futex = shared_read(&owner->futex);

	return futex & FUTEX_OWNER_DIED ? 0 : (int)(futex & FUTEX_TID_MASK);
}

/* The state among a program's maps: by its size, then by its first word. */
static const struct guard_state *map_state(uint32_t map_id)
{
	autoclean(close_fd) int fd = bpf_map_get_fd_by_id(map_id);
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	struct guard_state *state;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ||
	    info.value_size != sizeof(*state))
		return NULL;
	state = mmap(NULL, sizeof(*state), PROT_READ, MAP_SHARED, fd, 0);
	if (state == MAP_FAILED)
		return NULL;
	if (state->magic == GUARD_MAGIC)
		return state;
	munmap(state, sizeof(*state));
	return NULL;
}

static const struct guard_state *state_of(uint32_t program_id)
{
	autoclean(close_fd) int fd = bpf_prog_get_fd_by_id(program_id);
	const struct guard_state *state = NULL;
	uint32_t ids[MAPS_MAX] = { 0 };
	struct bpf_prog_info info = {
		.nr_map_ids = MAPS_MAX,
		.map_ids = (uintptr_t)ids,
	};
	uint32_t len = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return NULL;
	for (uint32_t i = 0; !state && i < info.nr_map_ids && i < MAPS_MAX; i++)
		state = map_state(ids[i]);
	return state;
}

int guard_before_find(struct guard_before *before, int index)
{
	struct link_tc tc;

	if (link_tc_get(index, &tc) || !tc.is_attached)
		return 0;
	before->state = state_of(tc.program_id);
	if (!before->state)
		return 0;
	before->side = before->state->side[1].index == (uint32_t)index;
	return living_thread(&before->state->owner);
}

void guard_before_forget(struct guard_before *before)
{
	if (before->state)
		munmap((void *)before->state, sizeof(*before->state));
	before->state = NULL;
}

/* Both programs are counting by now, or one of them still was just then. */
void guard_before_add(const struct guard_before *before, struct guard_side *to)
{
	const struct guard_side *from;

	if (!before->state)
		return;
	from = &before->state->side[before->side];
	__atomic_fetch_add(&to->bypassed_frames,
			   from->bypassed_frames - from->told_frames,
			   __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->bypassed_bytes,
			   from->bypassed_bytes - from->told_bytes,
			   __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->filtered_frames,
			   from->filtered_frames - from->told_filtered,
			   __ATOMIC_RELAXED);
}

bool guard_is_preceded(int index)
{
	uint32_t flags = 0, n = 1, id;

	return !bpf_prog_query(index, (enum bpf_attach_type)TCX_INGRESS, 0,
			       &flags, &id, &n) && n;
}

int guard_living(int index)
{
	struct guard_before before = { 0 };
	int tid = guard_before_find(&before, index);

	guard_before_forget(&before);
	return tid;
}
