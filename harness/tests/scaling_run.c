/* scaling_run.c - made-up runs over vCPU counts. */
#include "scaling_run.h"
#include "test.h"

#include <math.h>
#include <string.h>

#include "memory.h"
#include "sample_run.h"
#include "scheduler.h"

enum { STOCK, PATCHED, CONTROL, VARIANTS };
enum { ROW_FILL, ROW_BOOT, ROWS };

static void add_metric(struct stored_row *row, const char *name, const char *unit,
		       enum metric_kind kind)
{
	row->metrics = memory_realloc_array(row->metrics, row->metrics_count + 1,
					    sizeof(*row->metrics));
	row->metrics[row->metrics_count++] = (struct metric_info){
		.name = string_copy(name),
		.unit = string_copy(unit),
		.meaning = string_copy("made up"),
		.better = BETTER_LOWER,
		.kind = kind,
	};
}

static struct stored_cell make_cell(uint32_t vcpus_count, enum run_mode mode)
{
	struct stored_cell cell = {
		.guest = string_format("scale-%ucpu", vcpus_count),
		.suite = string_copy("scaling"),
		.guest_record = string_format("{\"name\":\"scale-%ucpu\",\"vcpus_count\":%u}",
					      vcpus_count, vcpus_count),
		.rows = memory_alloc_array(ROWS, sizeof(*cell.rows)),
		.rows_count = ROWS,
	};

	cell.rows[ROW_FILL] = (struct stored_row){
		.name = string_copy("fill"),
		.workload = string_copy("hugetlb_fallocate"),
		.arguments = string_format("size_mib=64 threads=%u", vcpus_count),
	};
	cell.rows[ROW_BOOT] = (struct stored_row){
		.name = string_copy("boot"),
		.workload = string_copy("page_init_boot"),
		.arguments = string_copy(""),
	};
	add_metric(&cell.rows[ROW_FILL], "fallocate_ns", "ns", METRIC_TIME);
	add_metric(&cell.rows[ROW_BOOT], "boot_ns", "ns", METRIC_TIME);
	if (mode == MODE_EXACT)
		add_metric(&cell.rows[ROW_FILL], "work_instructions", "insn", METRIC_COUNT);
	if (mode == MODE_EXACT && vcpus_count > 1)
		add_metric(&cell.rows[ROW_FILL], "span_instructions", "insn", METRIC_COUNT);
	return cell;
}

static struct stored_variant make_variant(const char *label, const char *name)
{
	return (struct stored_variant){
		.label = string_copy(label),
		.name = string_copy(name),
		.kernel_key = string_format("key-of-%s", name),
		.cmdline = string_copy(""),
	};
}

struct stored_run scaling_run_make(const char *id, enum run_mode mode, const uint32_t *counts,
				   uint32_t blocks_count)
{
	struct stored_run run = {
		.id = string_copy(id),
		.campaign = string_copy("scaling"),
		.campaign_file = string_copy("/nowhere/configs/campaigns/scaling.yaml"),
		.seed = 1,
		.mode = mode,
		.exact = EXACT_POLICY_INIT,
		.control = true,
		.control_variant = CONTROL,
		.gate = { .margin_percent = 5, .alpha = 0.05, .confidence = 0.95 },
		.accelerator = string_copy("tcg"),
		.accelerator_reason = string_copy("made up"),
		.variants = memory_alloc_array(VARIANTS, sizeof(*run.variants)),
		.variants_count = VARIANTS,
	};

	run.variants[STOCK] = make_variant("stock", "stock");
	run.variants[PATCHED] = make_variant("patched", "patched");
	run.variants[CONTROL] = make_variant("stock (control)", "stock");
	for (; *counts; counts++) {
		run.cells = memory_realloc_array(run.cells, run.cells_count + 1,
						 sizeof(*run.cells));
		run.cells[run.cells_count++] = make_cell(*counts, mode);
	}
	scheduler_plan(&run, blocks_count);
	return run;
}

static struct trial_result make_result(const struct stored_run *run,
				       const struct stored_trial *trial)
{
	struct trial_result result = TRIAL_RESULT_INIT;
	const struct stored_cell *cell = &run->cells[trial->cell];
	double scale = (1 + trial->block / 1000.0) * (trial->variant == PATCHED ? 0.5 : 1);
	unsigned int n = 0;

	CU_ASSERT_EQUAL(sscanf(cell->guest, "scale-%u", &n), 1);
	result.rows = memory_alloc_array(ROWS, sizeof(*result.rows));
	result.rows_count = ROWS;
	for (uint32_t i = 0; i < 3; i++) {
		/* the median of three rounds is the middle one */
		double value = scale * (1 + (i - 1.0) / 10);

		trial_result_add_sample(&result, ROW_BOOT, "boot_ns", i, 1e6 * value);
		trial_result_add_sample(&result, ROW_FILL, "fallocate_ns", i,
					8e6 / sqrt(n) * value);
		if (run->mode == MODE_EXACT)
			trial_result_add_sample(&result, ROW_FILL, "work_instructions", i,
						1e9 * (1 + (n - 1) / 100.0) * value);
		if (run->mode == MODE_EXACT && n > 1)
			trial_result_add_sample(&result, ROW_FILL, "span_instructions", i,
						1e9 / n * (1 + (n - 1) / 100.0) * value);
	}
	return result;
}

bool scaling_run_store(struct run_store *store, struct stored_run *run,
		       const char *control_digest)
{
	struct error err = ERROR_INIT;

	if (!sample_store_begin(store, run))
		return false;
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];
		cleanup_result struct trial_result result = make_result(run, trial);

		if (run->mode == MODE_EXACT)
			result.digest = string_copy(trial->variant == CONTROL ? control_digest :
										"same");
		CU_ASSERT_EQUAL(run_store_trial_started(store, trial->id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, trial->id, &result, "a=1\n", &err),
				0);
	}
	CU_ASSERT_EQUAL(run_store_set_state(store, run->id, "finished", &err), 0);
	test_check_string(err.message, "");
	return err.code == 0;
}

const char *scaling_run_folder(void)
{
	static const uint32_t all[] = { 1, 2, 4, 8, 0 }, few[] = { 1, 2, 0 };
	const char *folder = test_temp_folder();
	cleanup_store struct run_store *store = sample_store_open(folder);
	cleanup_run struct stored_run exact =
		scaling_run_make(SCALING_RUN_EXACT, MODE_EXACT, all, 3);
	cleanup_run struct stored_run timed =
		scaling_run_make(SCALING_RUN_TIMED, MODE_TIMED, few, 3);

	if (store && scaling_run_store(store, &exact, "same"))
		(void)test_check(scaling_run_store(store, &timed, NULL));
	return folder;
}
