/* history_run.c - made-up nights. */
#include "history_run.h"

#include <time.h>

#include "clock.h"
#include "memory.h"
#include "sample_run.h"
#include "test.h"

#define FIRST_S INT64_C(1767225600) /* 2026-01-01T00:00:00Z */
#define DAY_S INT64_C(86400)

static uint64_t night_ns(uint32_t number)
{
	return (uint64_t)(FIRST_S + number * DAY_S) * NS_PER_SECOND;
}

char *history_night_id(uint32_t number)
{
	char text[CLOCK_TEXT_MAX];

	return string_format("%s-quick", clock_format_stamp(night_ns(number), text));
}

struct stored_run history_night_make(const struct history_night *night)
{
	struct stored_run run = sample_run(night->blocks_count ? night->blocks_count : 2, 1);

	run.id = history_night_id(night->number);
	run.started_wall_ns = night_ns(night->number);
	run.mode = night->mode;
	run.exact = EXACT_POLICY_INIT;
	for (size_t i = 0; night->mode == MODE_EXACT && i < run.trials_count; i++)
		run.trials[i].seed = run.seed + run.trials[i].block;
	return run;
}

bool history_night_finish(struct run_store *store, struct stored_run *run,
			  const struct history_night *night)
{
	const char *fingerprint = night->fingerprint ? night->fingerprint : HISTORY_FINGERPRINT;
	struct error err = ERROR_INIT;

	if (!sample_store_begin(store, run))
		return false;
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];
		uint64_t noise = (night->number * 31 + trial->order) * UINT64_C(7919) % 2000;
		double value = 1e6 + (double)(night->mode == MODE_EXACT ? trial->block : noise);
		cleanup_result struct trial_result result =
			sample_result(2, value * (trial->variant == 1 ? night->factor : 1));

		CU_ASSERT_EQUAL(run_store_trial_started(store, trial->id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, trial->id, &result, fingerprint,
							 &err), 0);
	}
	CU_ASSERT_EQUAL(run_store_set_state(store, run->id, "finished", &err), 0);
	return test_check_string(err.message, "");
}

bool history_night_store(struct run_store *store, const struct history_night *night)
{
	cleanup_run struct stored_run run = history_night_make(night);

	return history_night_finish(store, &run, night);
}

bool history_nights_store(struct run_store *store, uint32_t count, uint32_t from,
			  double factor)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct history_night night = { .number = i,
						     .factor = i < from ? 1 : factor };

		if (!history_night_store(store, &night))
			return false;
	}
	return true;
}
