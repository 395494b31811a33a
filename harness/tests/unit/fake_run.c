/* fake_run.c - a run for the tests of comparison and render. */
#include "fake_run.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "test.h"

static const char fingerprint[] =
	"accelerator=tcg\n"
	"guest=up 0123\n"
	"host.cpu_model=Example CPU 3000\n"
	"host.cpus=2\n"
	"host.kernel_release=6.1.0-25-amd64\n"
	"host.memory_mib=24103\n"
	"hypervisor=libvirt 9.0.0, QEMU 7.2.22\n"
	"toolchain=gcc (Debian 12.2.0-14) 12.2.0\n"
	"variant.kernel_release=7.3.4\n";

void fake_run_set_fingerprint(struct stored_trial *trial, const char *text)
{
	free(trial->fingerprint);
	trial->fingerprint = string_copy(text);
}

struct stored_trial *fake_run_trial(struct fake_run *fake, uint32_t cell,
				    uint32_t variant, uint32_t block)
{
	return &fake->run.trials[(block * FAKE_CELLS + cell) * FAKE_VARIANTS + variant];
}

bool fake_value(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
		uint32_t iteration, double *ret_value)
{
	static const double noise[] = { 0.3, -0.4, 0.1, 0.5, -0.2, -0.3, 0.4 };
	double level = strstr(metric, "per_s") ? 4.0 : 12.5e6;
	bool is_slower = variant == FAKE_PATCHED && cell == 0 &&
			 strncmp(metric, "fallocate", 9) == 0;
	double percent = noise[(3 * variant + 5 * block + 2 * iteration + cell) % 7];

	if (strstr(metric, "per_s"))
		percent = -percent;
	*ret_value = level * (1 + percent / 100);
	if (is_slower)
		*ret_value *= strstr(metric, "per_s") ? 1 / 1.1 : 1.1;
	return true;
}

bool fake_value_equal(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
		      uint32_t iteration, double *ret_value)
{
	(void)cell;
	return fake_value(1, metric, variant, block, iteration, ret_value);
}

bool fake_run_compare(struct fake_run *fake, struct comparison *ret)
{
	struct error err = ERROR_INIT;

	return test_check(comparison_make_from(&fake->source, &fake->run, NULL, ret,
					       &err) == 0);
}

static int fake_samples(void *context, const char *run_id, uint32_t cell, uint32_t row,
			const char *metric, struct stored_samples **ret_items,
			size_t *ret_count, struct error *err)
{
	struct fake_run *fake = context;
	struct stored_samples *items = memory_alloc_array(FAKE_TRIALS, sizeof(*items));
	size_t count = 0;

	(void)run_id;
	(void)row;
	if (++fake->requests == fake->fails_at) {
		free(items);
		return error_set(err, -EIO, "the disk is gone");
	}
	for (size_t i = 0; i < fake->run.trials_count; i++) {
		const struct stored_trial *trial = &fake->run.trials[i];
		struct stored_samples *item = &items[count];

		if (trial->cell != cell || trial->state != TRIAL_FINISHED ||
		    trial->outcome != OUTCOME_PASSED || trial->superseded)
			continue;
		*item = (struct stored_samples){ .trial_id = trial->id,
						 .block = trial->block,
						 .variant = trial->variant };
		item->values = memory_alloc_array(3, sizeof(double));
		for (uint32_t k = 0; k < 3; k++)
			item->count += fake->value(cell, metric, trial->variant,
						   trial->block, k,
						   &item->values[item->count]);
		count++;
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}

static int fake_findings(void *context, const char *run_id,
			 struct stored_finding **ret_items, size_t *ret_count,
			 struct error *err)
{
	const struct fake_run *fake = context;
	struct stored_finding *items =
		memory_alloc_array(fake->findings_count, sizeof(*items));

	(void)run_id;
	(void)err;
	for (size_t i = 0; i < fake->findings_count; i++) {
		items[i] = fake->findings[i];
		items[i].finding.title = string_copy(fake->findings[i].finding.title);
		items[i].finding.excerpt = string_copy(fake->findings[i].finding.excerpt ?
					       fake->findings[i].finding.excerpt : "");
	}
	*ret_items = items;
	*ret_count = fake->findings_count;
	return 0;
}

static void add_metric(struct stored_row *row, const char *name, const char *unit,
		       enum metric_direction better, enum metric_kind kind, bool secondary)
{
	row->metrics = memory_realloc_array(row->metrics, row->metrics_count + 1,
					    sizeof(*row->metrics));
	row->metrics[row->metrics_count++] = (struct metric_info){
		.name = string_copy(name),
		.unit = string_copy(unit),
		.meaning = string_copy("for the tests"),
		.better = better,
		.kind = kind,
		.secondary = secondary,
	};
}

static void init_cells(struct stored_run *run)
{
	static const char *const guests[] = { "up", "smp2" };

	run->cells_count = FAKE_CELLS;
	run->cells = memory_alloc_array(FAKE_CELLS, sizeof(*run->cells));
	for (size_t i = 0; i < FAKE_CELLS; i++) {
		struct stored_cell *cell = &run->cells[i];

		cell->guest = string_copy(guests[i]);
		cell->suite = string_copy("quick");
		cell->guest_record = string_copy("{}");
		cell->rows_count = i == 0 ? 2 : 1;
		cell->rows = memory_alloc_array(cell->rows_count, sizeof(*cell->rows));
		cell->rows[0].name = string_copy("fill");
		cell->rows[0].workload = string_copy("hugetlb_fallocate");
		cell->rows[0].arguments = string_copy("page_kib=2048 size_mib=256 rounds=5");
		add_metric(&cell->rows[0], "fallocate_ns", "ns", BETTER_LOWER, METRIC_TIME,
			   false);
		add_metric(&cell->rows[0], "fallocate_gib_per_s", "GiB/s", BETTER_HIGHER,
			   METRIC_RATE, true);
	}
	run->cells[0].rows[1].name = string_copy("cyclictest");
	run->cells[0].rows[1].workload = string_copy("cyclictest");
	run->cells[0].rows[1].arguments = string_copy("");
	add_metric(&run->cells[0].rows[1], "latency_p99_ns", "ns", BETTER_LOWER, METRIC_TIME,
		   false);
	add_metric(&run->cells[0].rows[1], "latency_max_ns", "ns", BETTER_LOWER, METRIC_TAIL,
		   false);
}

static void init_variants(struct stored_run *run)
{
	static const struct {
		const char *label, *name, *key, *cmdline;
	} variants[] = {
		{ "stock", "stock", "3f2a9c1b04de11aa22bb", "" },
		{ "stock (control)", "stock", "3f2a9c1b04de11aa22bb", "" },
		{ "patched", "patched", "77ab01c2d3e4ff0011ee", "sched_proxy_exec=1" },
	};

	run->variants_count = FAKE_VARIANTS;
	run->variants = memory_alloc_array(FAKE_VARIANTS, sizeof(*run->variants));
	for (size_t i = 0; i < FAKE_VARIANTS; i++) {
		run->variants[i].label = string_copy(variants[i].label);
		run->variants[i].name = string_copy(variants[i].name);
		run->variants[i].kernel_key = string_copy(variants[i].key);
		run->variants[i].cmdline = string_copy(variants[i].cmdline);
	}
}

static void init_trials(struct stored_run *run)
{
	run->trials_count = FAKE_TRIALS;
	run->trials = memory_alloc_array(FAKE_TRIALS, sizeof(*run->trials));
	for (uint32_t i = 0; i < FAKE_TRIALS; i++) {
		struct stored_trial *trial = &run->trials[i];

		trial->id = 1000 + i;
		trial->order = i;
		trial->variant = i % FAKE_VARIANTS;
		trial->cell = i / FAKE_VARIANTS % FAKE_CELLS;
		trial->block = i / FAKE_VARIANTS / FAKE_CELLS;
		trial->state = TRIAL_FINISHED;
		trial->outcome = OUTCOME_PASSED;
		trial->duration_ns = UINT64_C(3100000000) + i;
		fake_run_set_fingerprint(trial, fingerprint);
	}
}

void fake_run_init(struct fake_run *fake)
{
	struct stored_run *run = &fake->run;

	*fake = (struct fake_run){ .value = fake_value };
	fake->source = (struct comparison_source){ fake_samples, fake_findings, fake };
	run->id = string_copy("20261121-213000-quick");
	run->campaign = string_copy("quick");
	run->campaign_file = string_copy("configs/campaigns/quick.yaml");
	run->state = string_copy("finished");
	run->started_wall_ns = UINT64_C(1795296600) * 1000000000;
	run->finished_wall_ns = run->started_wall_ns + UINT64_C(252000000000);
	run->seed = 42;
	run->control = true;
	run->baseline = FAKE_STOCK;
	run->control_variant = FAKE_CONTROL;
	run->accelerator = string_copy("tcg");
	run->accelerator_reason = string_copy("KVM does not run a guest here");
	run->gate = (struct gate_policy){ .margin_percent = 3, .alpha = 0.05,
					  .confidence = 0.95,
					  .correction = CORRECTION_BENJAMINI_HOCHBERG };
	init_variants(run);
	init_cells(run);
	init_trials(run);
}

/* --- exact mode ---------------------------------------------------------------- */

bool fake_exact_value(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
		      uint32_t iteration, double *ret_value)
{
	/* Ticks of 2,000 instructions fall into a round or not. */
	static const int ticks[] = { 3, 0, 2, 5, 1, 3, 4, 0, 1 };
	bool is_patched = variant == FAKE_PATCHED;
	bool is_slower = is_patched && cell == 0;
	double tick = 2000 * ticks[(2 * block + (is_patched ? 3 : 0) + cell) % 9];

	(void)iteration;
	if (strcmp(metric, "user_instructions") == 0)
		*ret_value = 1234;
	else if (strcmp(metric, "latency_p99_ns") == 0)
		*ret_value = 31000 + 1000 * (block % 2);
	else if (strcmp(metric, "latency_max_ns") == 0)
		*ret_value = is_patched ? 48000 : 52000;
	else if (strstr(metric, "instructions"))
		*ret_value = 46701891 * (is_slower ? 1.005 : 1) + tick;
	else if (strstr(metric, "per_s"))
		*ret_value = 0.25 / (46.7e6 * (is_slower ? 1.005 : 1) + tick) * 1e9;
	else
		*ret_value = 8 * (46701891 * (is_slower ? 1.005 : 1) + tick);
	return true;
}

void fake_run_make_exact(struct fake_run *fake)
{
	struct stored_run *run = &fake->run;

	fake->value = fake_exact_value;
	run->mode = MODE_EXACT;
	run->exact = EXACT_POLICY_INIT;
	run->seed = 1;
	run->gate.margin_percent = 0.25;
	for (size_t i = 0; i < run->cells_count; i++) {
		struct stored_row *row = &run->cells[i].rows[0];

		add_metric(row, "work_instructions", "insn", BETTER_LOWER, METRIC_COUNT, false);
		add_metric(row, "user_instructions", "insn", BETTER_LOWER, METRIC_COUNT, true);
	}
	for (size_t i = 0; i < run->trials_count; i++) {
		struct stored_trial *trial = &run->trials[i];
		const char *name = run->variants[trial->variant].name;

		trial->seed = run->seed + trial->block;
		free(trial->digest);
		trial->digest = string_format("digest-%s-%u-%u", name, trial->cell,
					      trial->block);
	}
}

void fake_run_release(struct fake_run *fake)
{
	stored_run_release(&fake->run);
}
