/* night_plan.c - see night_plan.h. A cell that fits alone cannot wait for ever: with each
 * night it waits it moves up, until it is the first that is given room.
 */
#include "night_plan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "clock.h"
#include "memory.h"
#include "strbuf.h"

const char *night_place_name(enum night_place place)
{
	switch (place) {
	case NIGHT_RUNS:
		return "run";
	case NIGHT_WAITS:
		return "waits";
	case NIGHT_NEVER_FITS:
		break;
	}
	return "never fits";
}

static int sign(bool less, bool more)
{
	return less ? -1 : more ? 1 : 0;
}

/* Below 0: a goes before b. */
static int compare_values(const struct night_candidate *a, const struct night_candidate *b)
{
	int order = sign(a->waited_nights > b->waited_nights, a->waited_nights < b->waited_nights);

	if (!order)
		order = sign(a->is_open && !b->is_open, !a->is_open && b->is_open);
	if (!order)
		order = sign(a->priority > b->priority, a->priority < b->priority);
	/* never is 0, and so before all times */
	if (!order)
		order = sign(a->measured_wall_ns < b->measured_wall_ns,
			     a->measured_wall_ns > b->measured_wall_ns);
	if (!order)
		order = sign(a->estimate_ns < b->estimate_ns, a->estimate_ns > b->estimate_ns);
	return order;
}

static int compare_choices(const void *left, const void *right, void *context)
{
	const struct night_choice *a = left, *b = right;
	const struct night_candidate *candidates = context;
	int order = compare_values(&candidates[a->candidate], &candidates[b->candidate]);

	return order ? order : sign(a->candidate < b->candidate, a->candidate > b->candidate);
}

static char *why_runs(const struct night_candidate *candidate)
{
	char day[CLOCK_TEXT_MAX];

	if (candidate->waited_nights)
		return string_format("waited %" PRIu32 " night%s", candidate->waited_nights,
				     candidate->waited_nights == 1 ? "" : "s");
	if (candidate->is_open)
		return string_copy("open when it was last measured");
	if (!candidate->measured_wall_ns)
		return string_copy("never measured");
	return string_format("last measured %.10s",
			     clock_format_utc(candidate->measured_wall_ns, day));
}

static char *why_not(const struct night_candidate *candidate, enum night_place place,
		     uint64_t left_ns, uint64_t whole_ns)
{
	char has[CLOCK_TEXT_MAX];

	if (place == NIGHT_NEVER_FITS)
		return string_format("a night has room for %s", duration_format(whole_ns, has));
	if (candidate->waited_nights)
		return string_format("%s left; waited %" PRIu32 " night%s already",
				     duration_format(left_ns, has), candidate->waited_nights,
				     candidate->waited_nights == 1 ? "" : "s");
	return string_format("%s left", duration_format(left_ns, has));
}

size_t night_plan_make(const struct night_candidate *candidates, size_t count,
		       uint64_t room_ns, uint64_t whole_ns, struct night_choice **ret_choices)
{
	struct night_choice *choices = memory_alloc_array(count, sizeof(*choices));
	uint64_t left_ns = room_ns;
	size_t chosen = 0;

	for (size_t i = 0; i < count; i++)
		choices[i].candidate = i;
	qsort_r(choices, count, sizeof(*choices), compare_choices,
		(void *)(uintptr_t)candidates);
	for (size_t i = 0; i < count; i++) {
		const struct night_candidate *candidate = &candidates[choices[i].candidate];
		bool fits = candidate->estimate_ns <= left_ns;

		choices[i].place = fits ? NIGHT_RUNS :
				   candidate->estimate_ns > whole_ns ? NIGHT_NEVER_FITS :
								       NIGHT_WAITS;
		choices[i].reason = fits ? why_runs(candidate) :
				    why_not(candidate, choices[i].place, left_ns, whole_ns);
		if (!fits)
			continue;
		chosen++;
		if (left_ns != UINT64_MAX)
			left_ns -= candidate->estimate_ns;
	}
	*ret_choices = choices;
	return chosen;
}

void night_choices_free(struct night_choice *choices, size_t count)
{
	for (size_t i = 0; choices && i < count; i++)
		free(choices[i].reason);
	free(choices);
}
