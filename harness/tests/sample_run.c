/* sample_run.c - a made-up run. */
#include "sample_run.h"
#include "test.h"

#include <math.h>

#include "clock.h"
#include "memory.h"
#include "scheduler.h"

static struct stored_variant sample_variant(const char *label, const char *name)
{
	return (struct stored_variant){
		.label = string_copy(label),
		.name = string_copy(name),
		.kernel_key = string_format("key-of-%s", name),
		.image_sha256 = string_format("image-of-%s", name),
		.kernel_record = string_copy("{\"release\": \"7.3.4\"}"),
		.cmdline = string_copy("quiet \"a b\""),
	};
}

static struct stored_row sample_row(const char *name)
{
	struct stored_row row = {
		.name = string_copy(name),
		.workload = string_copy("hugetlb_fallocate"),
		.arguments = string_copy("size_mib=64 threads=1"),
		.metrics = memory_alloc_array(2, sizeof(*row.metrics)),
		.metrics_count = 2,
	};

	row.metrics[0] = (struct metric_info){
		.name = string_copy("fallocate_ns"),
		.unit = string_copy("ns"),
		.meaning = string_copy("time of one fallocate"),
		.better = BETTER_LOWER,
		.kind = METRIC_TIME,
	};
	row.metrics[1] = (struct metric_info){
		.name = string_copy("rate_gib_s"),
		.unit = string_copy("GiB/s"),
		.meaning = string_copy("bytes over time"),
		.better = BETTER_HIGHER,
		.kind = METRIC_RATE,
		.secondary = true,
	};
	return row;
}

static struct stored_cell sample_cell(const char *guest, const char *suite)
{
	struct stored_cell cell = {
		.guest = string_copy(guest),
		.suite = string_copy(suite),
		.guest_record = string_format("{\"name\": \"%s\"}", guest),
		.rows = memory_alloc_array(2, sizeof(*cell.rows)),
		.rows_count = 2,
	};

	cell.rows[0] = sample_row("first");
	cell.rows[1] = sample_row("second");
	return cell;
}

struct stored_run sample_run(uint32_t blocks_count, uint64_t seed)
{
	struct stored_run run = {
		.campaign = string_copy("quick"),
		.campaign_file = string_copy("/nowhere/configs/campaigns/quick.yaml"),
		.seed = seed,
		.control = true,
		.baseline = 0,
		.control_variant = 2,
		.gate = { .margin_percent = 2.5, .alpha = 0.05, .confidence = 0.95,
			  .correction = CORRECTION_HOLM },
		.accelerator = string_copy("tcg"),
		.accelerator_reason = string_copy("the KVM probe took 170 ms"),
		.variants = memory_alloc_array(3, sizeof(*run.variants)),
		.variants_count = 3,
		.cells = memory_alloc_array(2, sizeof(*run.cells)),
		.cells_count = 2,
	};

	run.variants[0] = sample_variant("stock", "stock");
	run.variants[1] = sample_variant("patched", "patched");
	run.variants[2] = sample_variant("stock (control)", "stock");
	run.cells[0] = sample_cell("up", "quick");
	run.cells[1] = sample_cell("numa", "memory");
	scheduler_plan(&run, blocks_count);
	return run;
}

static void add_rows(struct trial_result *result)
{
	result->rows = memory_alloc_array(2, sizeof(*result->rows));
	result->rows_count = 2;
	result->findings = memory_alloc_array(1, sizeof(*result->findings));
	result->findings_count = 1;
	result->findings[0] = (struct finding){
		.kind = FINDING_HUNG_TASK,
		.title = string_copy("hung task kworker"),
		.excerpt = string_copy("INFO: task kworker\nblocked"),
		.line = 123,
	};
}

struct trial_result sample_result(uint32_t count, double value)
{
	struct trial_result result = TRIAL_RESULT_INIT;

	add_rows(&result);
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t row = 0; row < 2; row++) {
			trial_result_add_sample(&result, row, "fallocate_ns", i, value + i);
			trial_result_add_sample(&result, row, "rate_gib_s", i,
						1e9 / (value + i));
		}
	}
	result.times = (struct trial_times){
		.create_ns = 1 * NS_PER_SECOND,
		.created_ns = 2 * NS_PER_SECOND,
		.first_byte_ns = 3 * NS_PER_SECOND,
		.user_space_ns = 4 * NS_PER_SECOND,
		.end_marker_ns = 5 * NS_PER_SECOND,
		.stopped_ns = 6 * NS_PER_SECOND,
	};
	result.host = (struct host_evidence){
		.steal_ratio = 0.01,
		.others_cpus = 0.25,
		.pressure_memory_ratio = NAN,
		.frequency_mhz = 2400,
	};
	result.kernel_release = string_copy("7.3.4-kerngate");
	return result;
}

/* --- a store ------------------------------------------------------------------------ */

void sample_store_close(struct run_store **store)
{
	run_store_close(*store);
}

struct run_store *sample_store_open(const char *folder)
{
	struct run_store *store = NULL;
	struct error err = ERROR_INIT;

	if (!test_check(!run_store_open(folder, &store, &err)))
		fprintf(stderr, "%s\n", err.message);
	return store;
}

bool sample_store_begin(struct run_store *store, struct stored_run *run)
{
	struct error err = ERROR_INIT;
	int rc = run_store_begin(store, run, &err);

	test_check_string(err.message, "");
	return !rc;
}
