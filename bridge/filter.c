/* SPDX-License-Identifier: BSD-2-Clause */
/* See filter.h. */
#include "config.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#include "filter.h"
#include "filter_file.h"
#include "log.h"

#define SNAPLEN 262144 /* what a match returns: more than any frame */

/*
 * What outlives a filter: the one that comes after it counts on, and does not
 * compile again what it has, for that may ask DNS for a host's address, and DNS
 * may be gone by now. A program from a file is loaded again.
 */
struct hits {
	unsigned int users; /* filters; for the control thread alone */
	uint64_t frames;
};

struct program {
	unsigned int users; /* as of hits */
	struct bpf_program bpf;
};

struct rule {
	char *id;
	char *text;
	bool is_file;
	enum filter_action action;
	struct program *program;
	struct hits *hits;
};

struct filter {
	struct stage stage;
	struct rule *rule;
	size_t n;
	size_t n_drop; /* drop rules stand first */
	struct hits *unmatched;
};

static int compile(const char *expression, struct bpf_program *program,
		   char *why, size_t size)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	int r;

	if (!pcap) {
		snprintf(why, size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	r = pcap_compile(pcap, program, expression, 1, PCAP_NETMASK_UNKNOWN);
	if (r)
		snprintf(why, size, "%s", pcap_geterr(pcap));
	pcap_close(pcap);
	return r ? -EINVAL : 0;
}

static int rule_compile(const struct filter_rule *text,
			struct bpf_program *program, char *why, size_t size)
{
	return text->is_file ? filter_file_load(text->text, program, why, size) :
			       compile(text->text, program, why, size);
}

int filter_check(const struct filter_rule *rule, char *why, size_t size)
{
	struct bpf_program program = { 0 };
	int r = rule_compile(rule, &program, why, size);

	if (!r)
		pcap_freecode(&program);
	return r;
}

int filter_dump(const char *expression)
{
	struct bpf_program program = { 0 };
	char why[PCAP_ERRBUF_SIZE];

	if (compile(expression, &program, why, sizeof(why))) {
		log_err("filter '%s': %s", expression, why);
		return -EINVAL;
	}
	bpf_dump(&program, 1);
	pcap_freecode(&program);
	return 0;
}

static bool rule_matches(const struct rule *rule, const struct frame *f)
{
	return bpf_filter(rule->program->bpf.bf_insns, f->data, f->len, f->len);
}

static bool filter_passes(struct filter *filter, const struct frame *f)
{
	for (size_t i = 0; i < filter->n; i++) {
		if (!rule_matches(&filter->rule[i], f))
			continue;
		counter_add(&filter->rule[i].hits->frames, 1);
		return i >= filter->n_drop;
	}
	if (filter->n == filter->n_drop)
		return true;
	counter_add(&filter->unmatched->frames, 1);
	return false;
}

static bool filter_push(struct stage *stage, struct burst *b,
			struct lane_stats *s, uint64_t now_ns)
{
	struct filter *filter = container_of(stage, struct filter, stage);
	uint32_t kept = 0;

	(void)now_ns;
	for (uint32_t i = 0; i < b->n; i++) {
		if (!filter_passes(filter, &b->frame[i]))
			continue;
		if (kept != i)
			b->frame[kept] = b->frame[i];
		kept++;
	}
	stats_drop(s, REASON_FILTERED, b->n - kept);
	b->n = kept;
	return false;
}

static struct hits *hits_get(struct hits *hits)
{
	if (!hits)
		hits = calloc(1, sizeof(*hits));
	if (hits)
		hits->users++;
	return hits;
}

static void hits_put(struct hits *hits)
{
	if (hits && !--hits->users)
		free(hits);
}

static void program_put(struct program *program)
{
	if (!program || --program->users)
		return;
	pcap_freecode(&program->bpf);
	free(program);
}

static void rule_fini(struct rule *rule)
{
	program_put(rule->program);
	hits_put(rule->hits);
	free(rule->id);
	free(rule->text);
}

static void filter_free(struct stage *stage)
{
	struct filter *filter = container_of(stage, struct filter, stage);

	for (size_t i = 0; i < filter->n; i++)
		rule_fini(&filter->rule[i]);
	hits_put(filter->unmatched);
	free(filter->rule);
	free(filter);
}

static void filter_reset(struct stage *stage)
{
	struct filter *filter = container_of(stage, struct filter, stage);

	for (size_t i = 0; i < filter->n; i++)
		shared_write(&filter->rule[i].hits->frames, 0);
	shared_write(&filter->unmatched->frames, 0);
}

static const struct stage_ops filter_ops = {
	.name = "filter",
	.push = filter_push,
	.reset = filter_reset,
	.free = filter_free,
};

/* The same rule in the filter before, or NULL. */
static const struct rule *find_before(const struct filter *before,
				      const struct filter_rule *rule)
{
	for (size_t i = 0; before && i < before->n; i++) {
		const struct rule *was = &before->rule[i];

		if (!strcmp(was->id, rule->id) &&
		    !strcmp(was->text, rule->text) &&
		    was->action == rule->action &&
		    was->is_file == rule->is_file)
			return was;
	}
	return NULL;
}

static int rule_program(struct rule *rule, const struct filter_rule *from,
			const struct rule *was)
{
	char why[PCAP_ERRBUF_SIZE];

	if (was && !from->is_file) {
		rule->program = was->program;
		rule->program->users++;
		return 0;
	}
	rule->program = calloc(1, sizeof(*rule->program));
	if (!rule->program)
		return -ENOMEM;
	rule->program->users = 1;
	if (!rule_compile(from, &rule->program->bpf, why, sizeof(why)))
		return 0;
	log_err("filter %s '%s': %s", from->id, from->text, why);
	return -EINVAL;
}

static int rule_init(struct rule *rule, const struct filter_rule *from,
		     const struct filter *before)
{
	const struct rule *was = find_before(before, from);

	rule->action = from->action;
	rule->is_file = from->is_file;
	rule->id = strdup(from->id);
	rule->text = strdup(from->text);
	rule->hits = hits_get(was ? was->hits : NULL);
	if (!rule->id || !rule->text || !rule->hits)
		return -ENOMEM;
	return rule_program(rule, from, was);
}

/* Compile the rules of one action behind those that are there. */
static int add_rules(struct filter *filter, enum filter_action action,
		     const struct filter_rule *rule, size_t n,
		     const struct filter *before)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		if (rule[i].action != action)
			continue;
		r = rule_init(&filter->rule[filter->n++], &rule[i], before);
		if (r)
			return r;
	}
	return 0;
}

int filter_new(struct stage **stagep, const struct filter_rule *rule, size_t n,
	       const struct stage *before_stage)
{
	const struct filter *before =
		before_stage ? container_of(before_stage, struct filter, stage) :
			       NULL;
	struct filter *filter = calloc(1, sizeof(*filter));
	int r = -ENOMEM;

	if (!filter)
		return r;
	filter->stage.ops = &filter_ops;
	filter->rule = calloc(n, sizeof(*filter->rule));
	filter->unmatched = hits_get(before ? before->unmatched : NULL);
	if (!filter->rule || !filter->unmatched)
		goto fail;
	r = add_rules(filter, FILTER_DROP, rule, n, before);
	filter->n_drop = filter->n;
	if (!r)
		r = add_rules(filter, FILTER_PASS_ONLY, rule, n, before);
	if (r)
		goto fail;
	*stagep = &filter->stage;
	return 0;
fail:
	if (r == -ENOMEM)
		log_err("filter: %s", strerror(ENOMEM));
	filter_free(&filter->stage);
	return r;
}

bool filter_counts(const struct stage *stage, size_t i,
		   struct filter_count *count)
{
	const struct filter *filter = container_of(stage, struct filter, stage);

	if (i >= filter->n)
		return false;
	*count = (struct filter_count){
		.id = filter->rule[i].id,
		.text = filter->rule[i].text,
		.action = filter->rule[i].action,
		.frames = counter_read(&filter->rule[i].hits->frames),
	};
	return true;
}

/* The same two bytes, two times one and four: pcap's own tables in the kernel's
 * words. */
bool filter_program(const struct stage *stage, size_t i,
		    struct filter_program *program)
{
	const struct filter *filter = container_of(stage, struct filter, stage);
	const struct bpf_program *bpf;

	if (i >= filter->n)
		return false;
	bpf = &filter->rule[i].program->bpf;
	*program = (struct filter_program){
		.insn = (const struct sock_filter *)(const void *)bpf->bf_insns,
		.n_insns = bpf->bf_len,
		.action = filter->rule[i].action,
	};
	return true;
}

uint64_t filter_unmatched(const struct stage *stage)
{
	const struct filter *filter = container_of(stage, struct filter, stage);

	return counter_read(&filter->unmatched->frames);
}

/* ---- an expression alone ---- */

struct filter_match {
	struct bpf_program bpf;
};

int filter_match_new(struct filter_match **matchp, const char *what,
		     const char *expression)
{
	struct filter_match *match = calloc(1, sizeof(*match));
	char why[PCAP_ERRBUF_SIZE];
	int r;

	if (!match) {
		log_err("%s: %s", what, strerror(ENOMEM));
		return -ENOMEM;
	}
	r = compile(expression, &match->bpf, why, sizeof(why));
	if (r) {
		log_err("%s: filter '%s': %s", what, expression, why);
		free(match);
		return r;
	}
	*matchp = match;
	return 0;
}

bool filter_matches(const struct filter_match *match, const struct frame *f)
{
	return bpf_filter(match->bpf.bf_insns, f->data, f->len, f->len);
}

void filter_match_free(struct filter_match *match)
{
	if (!match)
		return;
	pcap_freecode(&match->bpf);
	free(match);
}
