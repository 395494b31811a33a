/* cases_inject.c - allocations that fail in the middle of jobs, in the caller and in
 * its helpers (Documentation/fault-injection).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"

#define FAILSLAB "/sys/kernel/debug/failslab/"
#define FAIL_PAGE_ALLOC "/sys/kernel/debug/fail_page_alloc/"
#define NTH_MAX 2000
#define NTH_DENSE 24              /* each of the first; then in growing steps */

/* In percent. */
static const unsigned int probabilities[] = { 1, 3, 10, 30 };

bool inject_is_present(void)
{
	return access(FAILSLAB, F_OK) == 0 && access(FAIL_PAGE_ALLOC, F_OK) == 0;
}

/* times: how many allocations fail at most, -1 for any number. */
static void attributes_set(const char *folder, unsigned int probability, int times)
{
	static const struct {
		const char *name, *value;
	} settings[] = {
		{ "task-filter", "Y" }, { "interval", "1" },
		{ "space", "0" }, { "verbose", "0" }, { "ignore-gfp-wait", "N" },
	};
	char path[96];
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", folder, settings[i].name);
		text_write_or_broken(path, "%s", settings[i].value);
	}
	snprintf(path, sizeof(path), "%stimes", folder);
	text_write_or_broken(path, "%d", times);
	snprintf(path, sizeof(path), "%sprobability", folder);
	text_write_or_broken(path, "%u", probability);
}

static void inject_set(unsigned int slab, unsigned int pages, int times)
{
	attributes_set(FAILSLAB, slab, times);
	attributes_set(FAIL_PAGE_ALLOC, pages, times);
	text_write_or_broken(FAIL_PAGE_ALLOC "ignore-gfp-highmem", "N");
	text_write_or_broken(FAIL_PAGE_ALLOC "min-order", "0");
}

void inject_end(void)
{
	(void)text_write(FAILSLAB "probability", "0");
	(void)text_write(FAIL_PAGE_ALLOC "probability", "0");
}

/* Errors that a failed allocation may come out as. */
static bool is_likely(int error)
{
	return error == 0 || error == ENOMEM || error == ENOSPC || error == EFAULT;
}

/* One fill; whether a failure was due in it and came. */
static bool fill_round(unsigned int nth, const struct ledger *before)
{
	struct fill fill;
	struct actor actor = { .job = fill_job, .argument = &fill, .is_failing = !nth,
			       .fail_nth = nth };
	bool is_hit;

	fill_open(&fill, faults.fill_pages / 2);
	actor_start(&actor);
	actor_join(&actor);
	is_hit = actor.stage->is_fault_taken;
	if (!is_likely(actor.stage->error) || (nth && !is_hit && actor.stage->error))
		workload_failed("fallocate with failing allocations (the %u-th): %s", nth,
				strerror(actor.stage->error));
	if (!actor.stage->error && fill_pages(&fill) != fill.pages_count)
		workload_failed("fallocate with failing allocations: it worked, but the file "
				"holds %llu pages of %llu",
				(unsigned long long)fill_pages(&fill),
				(unsigned long long)fill.pages_count);
	fill_check(&fill, fill_pages(&fill), "after failed allocations");
	fill_undo_check(&fill, before, NULL, "after failed allocations");
	fill_close(&fill);
	actor_release(&actor);
	faults_count();
	return is_hit;
}

static bool pin_round(unsigned int nth, const struct ledger *before)
{
	static const char when[] = "MAP_DMA with failing allocations";
	struct pin pin = { .size_bytes = faults.pin_bytes, .is_huge = true,
			   .is_populated = nth };
	struct actor actor = { .prepare = pin_prepare, .job = pin_job, .finish = pin_finish,
			       .argument = &pin, .is_failing = !nth, .fail_nth = nth };
	bool is_hit;

	actor_start(&actor);
	actor_join(&actor);
	is_hit = actor.stage->is_fault_taken;
	if (!is_likely(actor.stage->error) || (nth && !is_hit && actor.stage->error))
		workload_failed("%s (the %u-th): %s", when, nth, strerror(actor.stage->error));
	pin_check(&actor, when);
	ledger_check(before, NULL, when);
	actor_release(&actor);
	faults_count();
	return is_hit;
}

/* Any allocation of any of the job's threads. Many at once only where the accounts can be
 * exact even so: where allocate_file_region_entries() fails after another failure, the
 * kernel's accounts of reserved huge pages go wrong, as its comments say
 * (mm/hugetlb.c, restore_reserve_on_error). */
static void sweep_threads(bool (*round)(unsigned int nth, const struct ledger *before),
			  const struct ledger *before, bool has_many)
{
	uint32_t attempt;
	size_t i;

	for (i = 0; i < sizeof(probabilities) / sizeof(probabilities[0]); i++)
		for (attempt = 0; attempt < faults.attempts; attempt++) {
			inject_set(probabilities[i], 0, 1);
			(void)round(0, before);
			inject_set(0, probabilities[i], 1);
			(void)round(0, before);
			if (has_many) {
				inject_set(probabilities[i], probabilities[i], -1);
				(void)round(0, before);
			}
			inject_end();
		}
}

/* First the n-th allocation of the caller, n = 1, 2, ... until its job has no more. */
static void sweep(bool (*round)(unsigned int nth, const struct ledger *before), bool has_many)
{
	struct ledger before;
	unsigned int nth = 1;

	ledger_read(&before, NULL);
	while (nth < NTH_MAX && round(nth, &before))
		nth += nth < NTH_DENSE ? 1 : nth / 4;
	if (nth == 1)
		workload_broken("no allocation was made to fail");
	sweep_threads(round, &before, has_many);
}

void case_failslab(void)
{
	inject_set(0, 0, 0);
	pool_make(faults.fill_pages / 2);
	sweep(fill_round, false);
	pool_make(0);
	if (faults.has_vfio)
		sweep(pin_round, true);
}
