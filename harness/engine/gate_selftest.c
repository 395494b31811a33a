/* gate_selftest.c - see gate_selftest.h. */
#include "gate_selftest.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "render_layout.h"

#define ARGUMENT "kerngate.selftest_slowdown_percent"

void selftest_leg_release(struct selftest_leg *leg)
{
	free(leg->run_id);
	*leg = (struct selftest_leg){ .run_id = NULL };
}

/* --- the injection ------------------------------------------------------------- */

static bool has_row_to_slow(const struct campaign *campaign)
{
	for (size_t i = 0; i < campaign->cells_count; i++) {
		const struct suite *suite = &campaign->cells[i].suite;

		for (size_t j = 0; j < suite->rows_count; j++)
			if (!strcmp(suite->rows[j].workload, SELFTEST_WORKLOAD))
				return true;
	}
	return false;
}

static bool is_slowed(const struct variant *variant)
{
	for (size_t i = 0; i < variant->cmdline.count; i++)
		if (!strncmp(variant->cmdline.items[i], ARGUMENT "=", strlen(ARGUMENT "=")))
			return true;
	return false;
}

int selftest_inject(struct campaign *campaign, double percent, struct error *err)
{
	if (campaign->variants_count < 2)
		return error_set(err, -EINVAL, "campaign %s: expected a variant beside the "
				 "baseline, to be slowed", campaign->name);
	if (!has_row_to_slow(campaign))
		return error_set(err, -EINVAL, "campaign %s: expected a row of the workload "
				 SELFTEST_WORKLOAD ", which can be slowed", campaign->name);
	for (size_t i = 0; i < campaign->variants_count; i++) {
		struct variant *variant = &campaign->variants[i];

		if (is_slowed(variant))
			return error_set(err, -EINVAL, "campaign %s: variant %s has " ARGUMENT
					 " already", campaign->name, variant->name);
		if (i != campaign->baseline && percent > 0)
			strvec_pushf(&variant->cmdline, ARGUMENT "=%g", percent);
	}
	return 0;
}

/* Of a stored command line: what stands behind the argument; 0: it does not have it. */
static double slowdown_of(const char *cmdline)
{
	const char *at = cmdline;

	while ((at = strstr(at, ARGUMENT "=")) != NULL) {
		bool is_word = at == cmdline || at[-1] == ' ';

		at += strlen(ARGUMENT "=");
		if (is_word)
			return strtod(at, NULL);
	}
	return 0;
}

int selftest_inject_again(const struct stored_run *run, struct campaign *campaign,
			  struct error *err)
{
	double percent = 0;

	for (size_t i = 0; i < campaign->variants_count; i++)
		if (is_slowed(&campaign->variants[i]))
			return 0;
	for (size_t i = 0; i < run->variants_count && percent <= 0; i++)
		percent = slowdown_of(run->variants[i].cmdline);
	return percent > 0 ? selftest_inject(campaign, percent, err) : 0;
}

/* --- what came of it ----------------------------------------------------------- */

static uint32_t planned_blocks(const struct stored_run *run)
{
	uint32_t blocks = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block >= blocks)
			blocks = run->trials[i].block + 1;
	return blocks;
}

static bool is_called(enum verdict verdict)
{
	return verdict == VERDICT_REGRESSED || verdict == VERDICT_IMPROVED;
}

void selftest_leg_read(const struct stored_run *run, const struct comparison *c,
		       struct selftest_leg *leg)
{
	free(leg->run_id);
	leg->run_id = string_copy(run->id);
	leg->gate = c->gate;
	leg->change = NAN;
	leg->interval = (struct interval){ NAN, NAN };
	leg->is_found = false;
	leg->others_called = 0;
	leg->blocks = 0;
	leg->blocks_max = planned_blocks(run);
	leg->duration_ns = run->finished_wall_ns > run->started_wall_ns ?
			   run->finished_wall_ns - run->started_wall_ns : 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct comparison_entry *entry = &c->entries[i];
		const struct metric_comparison *judged = &entry->judged;
		const struct stored_row *row = &run->cells[entry->cell].rows[entry->row];

		if (judged->metric->secondary)
			continue;
		if (strcmp(row->workload, SELFTEST_WORKLOAD) != 0) {
			leg->others_called += is_called(judged->verdict);
			continue;
		}
		leg->is_found |= judged->verdict == VERDICT_REGRESSED;
		if (!isnan(leg->change))
			continue;
		leg->change = judged->ratio - 1;
		leg->interval = judged->interval;
		leg->blocks = (uint32_t)judged->blocks;
	}
}

enum gate_exit selftest_expected(const struct selftest_leg *leg)
{
	return leg->percent > 0 ? GATE_REGRESSED : GATE_PASS;
}

enum selftest_state selftest_judge(const struct selftest_leg *leg)
{
	if (leg->gate == GATE_PASS)
		return leg->percent > 0 ? SELFTEST_WRONG : SELFTEST_RIGHT;
	/* something else that regressed is not what was injected */
	if (leg->gate == GATE_REGRESSED)
		return leg->percent > 0 && leg->is_found ? SELFTEST_RIGHT : SELFTEST_WRONG;
	return SELFTEST_OPEN;
}

enum selftest_state selftest_end(const struct selftest_leg *legs, size_t count)
{
	enum selftest_state end = SELFTEST_RIGHT;

	for (size_t i = 0; i < count; i++) {
		enum selftest_state state = selftest_judge(&legs[i]);

		if (state == SELFTEST_WRONG)
			return SELFTEST_WRONG;
		if (state == SELFTEST_OPEN)
			end = SELFTEST_OPEN;
	}
	return end;
}

/* --- the table ------------------------------------------------------------------- */

static const char *const state_words[] = {
	[SELFTEST_RIGHT] = "right", [SELFTEST_WRONG] = "WRONG", [SELFTEST_OPEN] = "open",
};

static void add_leg(const struct selftest_leg *leg, struct strbuf *out)
{
	cleanup_strbuf struct strbuf change = STRBUF_INIT, low = STRBUF_INIT, high = STRBUF_INIT;
	cleanup_free char *injected = leg->percent > 0 ? string_format("%g %%", leg->percent) :
							 string_copy("none");
	cleanup_free char *blocks = string_format("%" PRIu32 "/%" PRIu32, leg->blocks,
						  leg->blocks_max);
	cleanup_free char *range = NULL;
	char duration[CLOCK_TEXT_MAX];

	render_change_fine(leg->change, &change);
	render_change_fine(leg->interval.low - 1, &low);
	render_change_fine(leg->interval.high - 1, &high);
	range = string_format("%s .. %s", low.data, high.data);
	strbuf_addf(out, "%-8s %4d %4d  %9s  %-22s %7s %8s  %s\n", injected,
		    (int)selftest_expected(leg), (int)leg->gate, change.data, range, blocks,
		    duration_format(leg->duration_ns, duration),
		    state_words[selftest_judge(leg)]);
}

void selftest_render(const struct selftest_leg *legs, size_t count, struct strbuf *out)
{
	static const char *const conclusions[] = {
		[SELFTEST_RIGHT] = "the gate is right: every leg gave what it must",
		[SELFTEST_WRONG] = "THE GATE IS WRONG: a leg gave the opposite of what it must",
		[SELFTEST_OPEN] = "not settled: a leg could not be judged (a noisy host, or too "
				  "few blocks or minutes)",
	};

	strbuf_addf(out, "%-8s %4s %4s  %9s  %-22s %7s %8s\n", "INJECTED", "MUST", "GATE",
		    "FOUND", "INTERVAL", "BLOCKS", "TIME");
	for (size_t i = 0; i < count; i++)
		add_leg(&legs[i], out);
	strbuf_addc(out, '\n');
	for (size_t i = 0; i < count; i++) {
		if (legs[i].others_called > 0)
			render_field(out, "", "%s: %zu metric%s that nothing was done to called "
				     "changed", legs[i].run_id, legs[i].others_called,
				     legs[i].others_called == 1 ? "" : "s");
		strbuf_addf(out, "kerngate compare %s\n", legs[i].run_id);
	}
	render_wrapped(out, "", 2, conclusions[selftest_end(legs, count)]);
}
