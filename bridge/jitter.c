/* SPDX-License-Identifier: BSD-2-Clause */
/* See jitter.h: the tables, and the files that they may come from. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "jitter.h"
#include "log.h"
#include "units.h"

#define INTERVALS 4096 /* of a shape that is computed */
#define CUT 4.0        /* no deviation of these is above so many times j */
#define WORD_BYTES 64
#define SPACES " \t\r\n"

#define ALLOWED                                                             \
	"whole numbers from -32768 to 32767 (8192 is one jitter), as tc(8) " \
	"has them, or times to 10s with their unit, such as 12.5ms"

static struct jitter *jitter_alloc(uint64_t n)
{
	struct jitter *jitter = calloc(1, sizeof(*jitter) +
					  (n + 1) * sizeof(jitter->value[0]));

	if (jitter)
		jitter->n = n;
	else
		log_err("jitter: %s", strerror(ENOMEM));
	return jitter;
}

void jitter_free(struct jitter *jitter)
{
	free(jitter);
}

/* ---- shapes that are computed: deviations in j below which are p of all ---- */

static double uniform_at(double p)
{
	return 2 * p - 1;
}

static double below_normal(double x)
{
	return 0.5 * erfc(-x * M_SQRT1_2);
}

/* By halving: there is no need to be quick. What is cut off at both ends is
 * spread over the rest. */
static double normal_at(double p)
{
	double low = -CUT, high = CUT, middle = 0;

	p = below_normal(low) + p * (below_normal(high) - below_normal(low));
	for (int i = 0; i < 48; i++) {
		middle = (low + high) / 2;
		if (below_normal(middle) < p)
			low = middle;
		else
			high = middle;
	}
	return middle;
}

static double pareto_at(double p)
{
	return p < 1 ? fmin((1 / cbrt(1 - p) - 1.5) * 4 / 3, CUT) : CUT;
}

static double (*const shape_at[])(double p) = {
	[JITTER_UNIFORM] = uniform_at,
	[JITTER_NORMAL] = normal_at,
	[JITTER_PARETO] = pareto_at,
};

static int compute(struct jitter **jitterp, const struct jitter_params *params)
{
	struct jitter *jitter = jitter_alloc(INTERVALS);
	double j = (double)params->jitter_ns;

	if (!jitter)
		return -ENOMEM;
	jitter->smooth = true;
	for (int i = 0; i <= INTERVALS; i++)
		jitter->value[i] = llrint(
			j * shape_at[params->shape]((double)i / INTERVALS));
	*jitterp = jitter;
	return 0;
}

/* ---- a file ---- */

struct reader {
	const char *path;
	char *at;      /* in its text */
	unsigned int line;
	bool is_times; /* known with the first value that is not 0 */
	bool is_parts;
	uint64_t j_ns;
};

/* The next word; false at the end. A comment goes to the end of its line. */
static bool next_word(struct reader *r, char *word, size_t *len)
{
	for (; *r->at; r->at++) {
		if (*r->at == '#')
			r->at += strcspn(r->at, "\n");
		if (*r->at == '\n')
			r->line++;
		else if (!*r->at || !strchr(SPACES, *r->at))
			break;
	}
	*len = strcspn(r->at, SPACES "#");
	snprintf(word, WORD_BYTES, "%.*s", (int)*len, r->at);
	r->at += *len;
	return *len > 0;
}

/* A word for people's terminals, and why it is none of ours. */
static int refuse(const struct reader *r, char *word, const char *allowed)
{
	for (char *c = word; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	log_err("%s:%u: %s: %s", r->path, r->line, word, allowed);
	return -EINVAL;
}

static bool take_part(const char *word, int64_t *part)
{
	char *end;

	errno = 0;
	*part = strtoll(word, &end, 10);
	return !errno && end != word && !*end && *part >= INT16_MIN &&
	       *part <= INT16_MAX;
}

/* In ns. Nothing but 0 may be of both kinds, and so of either. */
static int take_value(struct reader *r, char *word, size_t len, int64_t *ns)
{
	int64_t part = 1;
	uint64_t time;
	bool is_part;

	is_part = len < WORD_BYTES && take_part(word, &part);
	if (!is_part && (len >= WORD_BYTES || units_time(word, &time) ||
			 time > JITTER_MAX_NS))
		return refuse(r, word, ALLOWED);
	*ns = 0;
	if (is_part && !part)
		return 0;
	if (is_part ? r->is_times : r->is_parts)
		return refuse(r, word, is_part ?
			"the values before it are times: it needs its unit" :
			"the values before it have no unit: all or none");
	r->is_parts = is_part;
	r->is_times = !is_part;
	*ns = is_part ? (int64_t)r->j_ns * part / JITTER_SCALE : (int64_t)time;
	return 0;
}

static int read_values(struct reader *r, int64_t *value, uint64_t *n)
{
	char word[WORD_BYTES];
	size_t len;
	int result;

	for (*n = 0; next_word(r, word, &len); ++*n) {
		if (*n == JITTER_MAX_VALUES) {
			log_err("%s:%u: more than %d values", r->path, r->line,
				JITTER_MAX_VALUES);
			return -EINVAL;
		}
		result = take_value(r, word, len, &value[*n]);
		if (result)
			return result;
	}
	if (*n)
		return 0;
	log_err("%s: has no values: %s", r->path, ALLOWED);
	return -EINVAL;
}

static int complain(const char *path, const char *why)
{
	log_err("%s: %s", path, why);
	return -EINVAL;
}

/* The text of a file, 0 at its end. A FIFO's other end may never come. */
static int read_text(const char *path, char *text)
{
	autoclean(close_fd) int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got = 1;
	size_t n = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return complain(path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain(path, "not a regular file");
	for (; got > 0 && n <= JITTER_FILE_BYTES; n += (size_t)got) {
		got = read(fd, text + n, JITTER_FILE_BYTES + 1 - n);
		if (got < 0)
			return complain(path, strerror(errno));
	}
	if (n > JITTER_FILE_BYTES)
		return complain(path, "larger than 4 MiB");
	if (memchr(text, '\0', n))
		return complain(path, "not a text: " ALLOWED);
	text[n] = '\0';
	return 0;
}

static int load(struct jitter **jitterp, const struct jitter_params *params)
{
	autoclean(free_ptr) char *text = malloc(JITTER_FILE_BYTES + 2);
	struct reader reader = { .path = params->table, .at = text, .line = 1,
				 .j_ns = params->jitter_ns };
	struct jitter *jitter = jitter_alloc(JITTER_MAX_VALUES);
	int r = -ENOMEM;

	if (!text || !jitter)
		goto out;
	r = read_text(params->table, text);
	if (!r)
		r = read_values(&reader, jitter->value, &jitter->n);
	if (r)
		goto out;
	if (reader.is_parts && !params->jitter_ns)
		log_warn("%s: its values are in parts of jitter, which is 0",
			 params->table);
	*jitterp = jitter;
	return 0;
out:
	jitter_free(jitter);
	return r;
}

int jitter_new(struct jitter **jitterp, const struct jitter_params *params)
{
	int r = params->shape == JITTER_TABLE ? load(jitterp, params) :
						compute(jitterp, params);

	if (!r)
		(*jitterp)->rng.state = params->seed;
	return r;
}
