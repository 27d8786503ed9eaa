/* SPDX-License-Identifier: BSD-2-Clause */
/* See source_capture.h. */
#include "config.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "log.h"
#include "source_capture.h"

#define LINKTYPE_ETHERNET 1
#define ARENA_BYTES (1u << 20) /* of a burst; more than the longest frame */
#define CHUNK_BYTES (4u << 20) /* of what is preloaded */

/* Frames of one pass, in memory. */
struct kept {
	uint8_t **chunk;
	size_t n_chunks;
	size_t chunk_used; /* of the last one */
	struct frame *frame;
	size_t n, room;
	size_t at;
	struct lane_stats left_out; /* counts of what was not kept */
	bool told;                  /* added for this pass */
	int fault;                  /* that ended it */
};

struct source_capture {
	struct source source;
	struct source_capture_params params;
	struct reel reel;
	int stop_fd; /* see stream_open() */
	struct split *split;
	uint8_t *arena; /* where a burst's frames lie */
	uint32_t used;
	struct capture_record record; /* read last */
	struct kept *kept; /* NULL: read as we go */
	struct source_capture_facts facts;
	bool began; /* a frame was lent, or kept */
};

static struct source_capture *capture_of(const struct source *source)
{
	return container_of(source, struct source_capture, source);
}

/* ---- from a record to a frame ---- */

static int check_linktype(const struct reel *reel,
			  const struct capture_record *rec)
{
	if (rec->linktype == LINKTYPE_ETHERNET)
		return 0;
	log_err("%s: frame %llu is of link type %s (%u): only Ethernet frames "
		"can be sent", reel->path[reel->at],
		(unsigned long long)rec->number,
		capture_linktype_name(rec->linktype), rec->linktype);
	return -EPROTONOSUPPORT;
}

/* The bytes that are to leave; 0: none, counted. */
static uint32_t frame_bytes(const struct source_capture *sc,
			    const struct capture_record *rec,
			    struct lane_stats *s)
{
	uint32_t len = rec->len > rec->fcs_bytes ? rec->len - rec->fcs_bytes :
						   0;
	bool cut = rec->caplen < len;

	counter_add(&s->received_frames, 1);
	counter_add(&s->received_bytes, rec->len);
	if (sc->params.frames && !ranges_has(sc->params.frames, rec->number)) {
		stats_drop(s, REASON_FILTERED, 1);
		return 0;
	}
	if ((cut && !sc->params.pad) || len < FRAME_MIN_BYTES ||
	    len > FRAME_MAX_BYTES) {
		stats_drop(s, REASON_TRUNCATED, 1);
		return 0;
	}
	return len;
}

static uint8_t side_of(struct source_capture *sc,
		       const struct capture_record *rec, const uint8_t *data,
		       uint32_t len)
{
	const struct split_input in = {
		.data = data,
		.len = len,
		.interface = rec->interface,
		.n_interfaces = reel_file_interfaces(&sc->reel),
		.direction = rec->direction,
	};

	return sc->split ? split_side(sc->split, &in) : 0;
}

/* Write a record's frame at `to`, which has room for it. */
static void frame_fill(struct source_capture *sc, struct frame *f, uint8_t *to,
		       const struct capture_record *rec, uint32_t len,
		       uint64_t play_ns)
{
	uint32_t have = rec->caplen < len ? rec->caplen : len;

	memcpy(to, rec->data, have);
	memset(to + have, 0, len - have);
	*f = (struct frame){ .data = to, .len = len, .time_ns = play_ns };
	f->egress = side_of(sc, rec, to, len);
	if (!sc->began)
		sc->facts.first_ns = rec->time_ns;
	sc->began = true;
	sc->facts.last_ns = rec->time_ns;
}

/* ---- reading as we go ---- */

/* 1: a record; 0: the end; -errno */
static int next_record(struct source_capture *sc, uint64_t *play_ns)
{
	int r = reel_next(&sc->reel, &sc->record, play_ns);

	if (r == 1 && check_linktype(&sc->reel, &sc->record))
		r = -EPROTONOSUPPORT;
	return r;
}

static int draw_from_files(struct source_capture *sc, struct burst *b,
			   struct lane_stats *s)
{
	uint32_t seen = 0, len;
	uint64_t play_ns;
	int r = 1;

	sc->used = 0;
	/* A turn is bounded also where nothing is chosen. */
	while (b->n < BURST_RX && seen++ < 4 * BURST_RX &&
	       sc->used + SOURCE_HEADROOM + FRAME_MAX_BYTES <= ARENA_BYTES) {
		if (b->n && reel_is_idle(&sc->reel))
			break; /* what is here need not wait */
		r = next_record(sc, &play_ns);
		if (r != 1)
			break;
		len = frame_bytes(sc, &sc->record, s);
		if (!len)
			continue;
		frame_fill(sc, &b->frame[b->n++],
			   sc->arena + sc->used + SOURCE_HEADROOM, &sc->record,
			   len, play_ns);
		/* Aligned as the first was: edits write words. */
		sc->used += (SOURCE_HEADROOM + len + 15) & ~15u;
	}
	return r == 1 ? SOURCE_MORE : r;
}

/* ---- from memory ---- */

static uint8_t *kept_room(struct kept *kept, uint32_t bytes)
{
	uint8_t **chunk;

	if (!kept->n_chunks || kept->chunk_used + bytes > CHUNK_BYTES) {
		chunk = realloc(kept->chunk,
				(kept->n_chunks + 1) * sizeof(*chunk));
		if (!chunk)
			return NULL;
		kept->chunk = chunk;
		chunk[kept->n_chunks] = malloc(CHUNK_BYTES);
		if (!chunk[kept->n_chunks])
			return NULL;
		kept->n_chunks++;
		kept->chunk_used = 0;
	}
	kept->chunk_used += bytes;
	return kept->chunk[kept->n_chunks - 1] + kept->chunk_used - bytes;
}

static struct frame *kept_frame(struct kept *kept)
{
	size_t room = kept->room ? kept->room * 2 : 1024;
	struct frame *frame;

	if (kept->n == kept->room) {
		frame = realloc(kept->frame, room * sizeof(*frame));
		if (!frame)
			return NULL;
		kept->frame = frame;
		kept->room = room;
	}
	return &kept->frame[kept->n];
}

static int keep_record(struct source_capture *sc, struct kept *kept,
		       uint64_t play_ns)
{
	uint32_t len = frame_bytes(sc, &sc->record, &kept->left_out);
	struct frame *f = len ? kept_frame(kept) : NULL;
	uint8_t *to;

	if (!len)
		return 0;
	to = f ? kept_room(kept, (SOURCE_HEADROOM + len + 15) & ~15u) : NULL;
	if (!to)
		return -ENOMEM;
	frame_fill(sc, f, to + SOURCE_HEADROOM, &sc->record, len, play_ns);
	kept->n++;
	/* It is received when it is drawn. */
	kept->left_out.received_frames--;
	kept->left_out.received_bytes -= sc->record.len;
	return 0;
}

static int keep_all(struct source_capture *sc, struct kept *kept)
{
	uint64_t play_ns;
	int r;

	while ((r = next_record(sc, &play_ns)) == 1) {
		r = keep_record(sc, kept, play_ns);
		if (r)
			break;
	}
	sc->facts.memory_bytes = kept->n_chunks * (uint64_t)CHUNK_BYTES +
				 kept->room * sizeof(*kept->frame);
	if (r != -ENOMEM)
		return r;
	log_err("preload: no memory behind frame %zu and %llu MiB", kept->n,
		(unsigned long long)(sc->facts.memory_bytes >> 20));
	return r;
}

static void kept_free(struct kept *kept)
{
	for (size_t i = 0; kept && i < kept->n_chunks; i++)
		free(kept->chunk[i]);
	if (kept) {
		free(kept->chunk);
		free(kept->frame);
	}
	free(kept);
}

static int preload(struct source_capture *sc)
{
	int r;

	sc->kept = calloc(1, sizeof(*sc->kept));
	if (!sc->kept)
		return -ENOMEM;
	r = keep_all(sc, sc->kept);
	if (r == -ENOMEM || (r && sc->params.strict))
		return r;
	sc->kept->fault = r; /* what came before is sent */
	log_info("preloaded %zu frames, %.1f MiB of memory", sc->kept->n,
		 (double)sc->facts.memory_bytes / (1 << 20));
	return 0;
}

/* What was read and not kept counts in each pass. */
static void tell_left_out(struct kept *kept, struct lane_stats *s)
{
	const uint64_t *from = (const uint64_t *)&kept->left_out;
	uint64_t *to = (uint64_t *)s;

	for (size_t i = 0; i < sizeof(*s) / sizeof(*from); i++)
		if (from[i])
			counter_add(&to[i], from[i]);
	kept->told = true;
}

/* Whoever changes frames gets copies, for the next pass needs them whole. */
static void lend_copy(struct source_capture *sc, struct frame *f)
{
	uint8_t *to = sc->arena + sc->used + SOURCE_HEADROOM;

	memcpy(to, f->data, f->len);
	f->data = to;
	sc->used += (SOURCE_HEADROOM + f->len + 15) & ~15u;
}

static int draw_from_memory(struct source_capture *sc, struct burst *b,
			    struct lane_stats *s)
{
	struct kept *kept = sc->kept;
	size_t n = kept->n - kept->at < BURST_RX ? kept->n - kept->at :
						   BURST_RX;

	if (!kept->told)
		tell_left_out(kept, s);
	sc->used = 0;
	for (size_t i = 0; i < n; i++) {
		struct frame *f = &b->frame[b->n];

		*f = kept->frame[kept->at];
		if (sc->params.changed) {
			if (sc->used + SOURCE_HEADROOM + f->len > ARENA_BYTES)
				break;
			lend_copy(sc, f);
		}
		counter_add(&s->received_bytes, f->len);
		kept->at++;
		b->n++;
	}
	counter_add(&s->received_frames, b->n);
	if (kept->at < kept->n)
		return SOURCE_MORE;
	return kept->fault ? kept->fault : SOURCE_END;
}

/* ---- the source ---- */

static int capture_draw(struct source *source, struct burst *b,
			struct lane_stats *s)
{
	struct source_capture *sc = capture_of(source);

	return sc->kept ? draw_from_memory(sc, b, s) :
			  draw_from_files(sc, b, s);
}

static int capture_rewind(struct source *source, uint64_t pass)
{
	struct source_capture *sc = capture_of(source);

	(void)pass;
	if (!sc->kept)
		return reel_rewind(&sc->reel);
	sc->kept->at = 0;
	sc->kept->told = false;
	return 0;
}

static double source_capture_progress(const struct source *source)
{
	const struct source_capture *sc = capture_of(source);

	if (!sc->kept)
		return reel_progress(&sc->reel);
	return sc->kept->n ? (double)sc->kept->at / (double)sc->kept->n : 1;
}

static void source_capture_close(struct source *source)
{
	struct source_capture *sc = capture_of(source);

	reel_close(&sc->reel);
	split_free(sc->split);
	kept_free(sc->kept);
	free(sc->arena);
	close_fd(&sc->stop_fd);
	free(sc);
}

static void source_capture_stop(struct source *source)
{
	eventfd_write(capture_of(source)->stop_fd, 1);
}

static const struct source_ops source_capture_ops = {
	.name = "capture",
	.draw = capture_draw,
	.rewind = capture_rewind,
	.stop = source_capture_stop,
	.progress = source_capture_progress,
	.close = source_capture_close,
};

/* Read all once, for what is wrong with it. */
static int check_all(const struct source_capture *sc)
{
	struct capture_record rec;
	struct reel reel = { 0 };
	uint64_t play_ns;
	int r;

	r = reel_open(&reel, sc->params.path, sc->params.n_paths, sc->stop_fd);
	reel.strict = true;
	while (!r && (r = reel_next(&reel, &rec, &play_ns)) == 1)
		r = check_linktype(&reel, &rec);
	reel_close(&reel);
	return r;
}

static int source_capture_init(struct source_capture *sc)
{
	const struct source_capture_params *p = &sc->params;
	int r;

	sc->arena = malloc(ARENA_BYTES);
	if (!sc->arena)
		return -ENOMEM;
	r = p->split ? split_new(&sc->split, p->split) : 0;
	if (!r)
		r = reel_open(&sc->reel, p->path, p->n_paths, sc->stop_fd);
	sc->reel.strict = p->strict;
	if (!r && p->strict && !p->preload)
		r = check_all(sc);
	if (!r && p->preload)
		r = preload(sc);
	return r;
}

int source_capture_new(struct source **sp,
		       const struct source_capture_params *params)
{
	struct source_capture *sc = calloc(1, sizeof(*sc));
	int r;

	if (!sc)
		return -ENOMEM;
	sc->source.ops = &source_capture_ops;
	sc->params = *params;
	/* A pipe cannot be looked through before it is sent. */
	if (params->strict && reel_has_pipe(params->path, params->n_paths))
		sc->params.preload = true;
	sc->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = source_capture_init(sc);
	if (r) {
		source_capture_close(&sc->source);
		return r;
	}
	*sp = &sc->source;
	return 0;
}

void source_capture_facts(const struct source *source,
			  struct source_capture_facts *facts)
{
	const struct source_capture *sc = capture_of(source);

	*facts = sc->facts;
	if (sc->split)
		facts->split = split_mode_name(split_mode_of(sc->split));
}

const struct reel_interface *
source_capture_interface(const struct source *source, size_t i)
{
	const struct source_capture *sc = capture_of(source);

	return i < sc->reel.n_interfaces ? &sc->reel.interface[i] : NULL;
}
