/* experiment_plan.c - a campaign > the plan of a run, as data and as text. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>

#include "experiment_private.h"
#include "files.h"
#include "memory.h"
#include "scheduler.h"
#include "sequential.h"

/* Of exact mode, where the campaign says none. */
#define FIRST_SEED 1

/* --- records ---------------------------------------------------------------------- */

static json_t *cell_record(const struct guest_cell *cell)
{
	json_t *distances = json_array();

	for (uint32_t i = 0; i < cell->distances_count; i++)
		json_array_append_new(distances, json_integer(cell->distances[i]));
	return json_pack("{s:i, s:I, s:o}", "vcpus_count", (int)cell->vcpus_count,
			 "memory_mib", (json_int_t)cell->memory_mib, "distances", distances);
}

static json_t *strings_record(const struct strvec *texts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(list, json_string(texts->items[i]));
	return list;
}

/* What is measured in, not when we give up on it: deadlines stay out. */
char *experiment_guest_record(const struct guest_spec *guest)
{
	json_t *cells = json_array(), *record;
	char *text;

	for (uint32_t i = 0; i < guest->cells_count; i++)
		json_array_append_new(cells, cell_record(&guest->cells[i]));
	record = json_pack("{s:s, s:i, s:I, s:b, s:b, s:b, s:I, s:i, s:o, s:s, s:I, s:b, s:b, s:o}",
			   "name", guest->name, "vcpus_count", (int)guest->vcpus_count,
			   "memory_mib", (json_int_t)guest->memory_mib,
			   "memory_prealloc", guest->memory_prealloc,
			   "memory_reserve", guest->memory_reserve,
			   "memory_hugepages", guest->memory_hugepages,
			   "memory_max_mib", (json_int_t)guest->memory_max_mib,
			   "memory_slots", (int)guest->memory_slots, "cells", cells,
			   "iommu", guest_iommu_name(guest->iommu),
			   "pmem_mib", (json_int_t)guest->pmem_mib, "pinning", guest->pinning,
			   "overcommit", guest->overcommit,
			   "cmdline", strings_record(&guest->cmdline));
	/* Shapes without one keep the record, and so the conditions, that they had. */
	if (guest->disk_mib)
		json_object_set_new(record, "disk_mib", json_integer((json_int_t)guest->disk_mib));
	if (guest->host_cpus_count)
		json_object_set_new(record, "host_cpus_count",
				    json_integer(guest->host_cpus_count));
	if (guest->hugepage_kib)
		json_object_set_new(record, "hugepage_kib", json_integer(guest->hugepage_kib));
	text = json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(record);
	return text;
}

/* --- the plan as data ---------------------------------------------------------------- */

static char *join(const struct strvec *words, const char *prefix)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < words->count; i++)
		strbuf_addf(&text, "%s%s%s", i ? " " : "", prefix, words->items[i]);
	return strbuf_detach(&text);
}

/* The command line and, behind it, what PID 1 sets. */
static char *variant_cmdline(const struct variant *variant)
{
	cleanup_free char *arguments = join(&variant->cmdline, "");
	cleanup_free char *sysctls = join(&variant->sysctls, "sysctl:");

	return string_format("%s%s%s", arguments, *arguments && *sysctls ? " " : "", sysctls);
}

static struct stored_variant plan_variant(const struct experiment *experiment, size_t index,
					  const char *suffix)
{
	const struct variant *variant = &experiment->campaign->variants[index];

	return (struct stored_variant){
		.label = string_format("%s%s", variant->name, suffix),
		.name = string_copy(variant->name),
		.kernel_key = string_copy(experiment->kernel_keys[index]),
		.cmdline = variant_cmdline(variant),
	};
}

static void plan_variants(const struct experiment *experiment, struct stored_run *run)
{
	const struct campaign *campaign = experiment->campaign;

	run->variants = memory_alloc_array(campaign->variants_count + 1, sizeof(*run->variants));
	for (size_t i = 0; i < campaign->variants_count; i++)
		run->variants[run->variants_count++] = plan_variant(experiment, i, "");
	run->baseline = campaign->baseline;
	run->control = campaign->control;
	run->control_variant = -1;
	/* exact mode has it as canary, if only in the first block */
	if (!campaign->control && campaign->mode != MODE_EXACT)
		return;
	run->control_variant = (int64_t)run->variants_count;
	run->variants[run->variants_count++] =
		plan_variant(experiment, campaign->baseline, " (control)");
}

size_t experiment_variant_of(const struct experiment *experiment, uint32_t stored_variant)
{
	return stored_variant < experiment->campaign->variants_count ?
	       stored_variant : experiment->campaign->baseline;
}

static void add_metrics(const struct metric_info *metrics, size_t count,
			struct stored_row *row)
{
	row->metrics = memory_realloc_array(row->metrics, row->metrics_count + count,
					    sizeof(*row->metrics));
	for (size_t i = 0; i < count; i++) {
		struct metric_info *metric = &row->metrics[row->metrics_count++];

		*metric = metrics[i];
		metric->name = string_copy(metrics[i].name);
		metric->unit = string_copy(metrics[i].unit);
		metric->meaning = string_copy(metrics[i].meaning);
	}
}

/* Its own, and in exact mode the instructions of a workload that is counted. */
static void plan_metrics(const struct campaign *campaign, const struct guest_spec *guest,
			 const struct workload_info *info, struct stored_row *row)
{
	const struct metric_info *counted;
	size_t count = 0;

	add_metrics(info->metrics, info->metrics_count, row);
	if (campaign->mode != MODE_EXACT || !campaign->exact.counts || !info->is_counted)
		return;
	counted = exact_metrics(guest->vcpus_count, &count);
	add_metrics(counted, count, row);
}

static struct stored_cell plan_cell(const struct experiment *experiment, size_t index)
{
	const struct experiment_cell *prepared = &experiment->cells[index];
	const struct campaign_cell *cell = &experiment->campaign->cells[index];
	const struct suite *suite = &cell->suite;
	struct stored_cell stored = {
		.guest = string_copy(cell->guest.name),
		.suite = string_copy(suite->name),
		.guest_record = experiment_guest_record(&cell->guest),
		.rows = memory_alloc_array(suite->rows_count, sizeof(*stored.rows)),
		.rows_count = suite->rows_count,
	};

	for (size_t i = 0; i < suite->rows_count; i++) {
		stored.rows[i].name = string_copy(suite->rows[i].name);
		stored.rows[i].workload = string_copy(suite->rows[i].workload);
		stored.rows[i].arguments = suite_row_arguments(&suite->rows[i]);
		plan_metrics(experiment->campaign, &cell->guest, prepared->workloads[i],
			     &stored.rows[i]);
	}
	return stored;
}

static int choose_seed(const struct experiment *experiment, uint64_t *ret_seed,
		       struct error *err)
{
	uint32_t random = 0;

	*ret_seed = experiment->options->seed ? experiment->options->seed :
						experiment->campaign->seed;
	if (*ret_seed)
		return 0;
	if (experiment_is_exact(experiment)) {
		*ret_seed = FIRST_SEED;
		return 0;
	}
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return error_set_errno(err, -errno, "no random seed");
	/* short enough to be typed again */
	*ret_seed = random ? random : 1;
	return 0;
}

/* Seeds are stored as signed 64 bits, each block's own too. */
static int check_seeds(const struct experiment *experiment, uint64_t seed,
		       uint32_t blocks_count, struct error *err)
{
	if (!experiment_is_exact(experiment) || seed <= (uint64_t)INT64_MAX - blocks_count)
		return 0;
	return error_set(err, -ERANGE, "seed %" PRIu64 ": expected at most %" PRIu64 ", since %"
			 PRIu32 " seeds are counted up from it", seed,
			 (uint64_t)INT64_MAX - blocks_count, blocks_count);
}

/* A look before that could call nothing, whatever it saw. */
#define LOOK_BLOCKS_MIN 4

/* One look at the end is what every run has: then none is planned. */
static void plan_looks(const struct campaign *campaign, uint32_t blocks_count,
		       struct stored_run *run)
{
	uint32_t blocks[SEQUENTIAL_LOOKS_MAX];
	size_t count = sequential_plan(blocks_count, LOOK_BLOCKS_MIN, campaign->looks_count,
				       blocks);

	if (count < 2)
		return;
	run->looks = memory_alloc_array(count, sizeof(*run->looks));
	for (size_t i = 0; i < count; i++)
		run->looks[run->looks_count++] =
			(struct stored_look){ .blocks = blocks[i], .alpha = NAN };
}

int experiment_make_plan(const struct experiment *experiment, struct stored_run *ret_run,
			 struct error *err)
{
	const struct campaign *campaign = experiment->campaign;
	uint32_t blocks_count = experiment->options->blocks_count ?
				experiment->options->blocks_count : campaign->blocks_count;
	struct stored_run run = { .gate = campaign->gate, .mode = campaign->mode,
				  .exact = campaign->exact };
	int rc = choose_seed(experiment, &run.seed, err);

	if (!rc)
		rc = check_seeds(experiment, run.seed, blocks_count, err);
	if (rc)
		return rc;
	run.campaign = string_copy(campaign->name);
	run.campaign_file = path_absolute(campaign->file);
	run.note = string_copy(experiment->options->note);
	run.accelerator = string_copy(accelerator_name(experiment->accelerator));
	run.accelerator_reason = string_copy(experiment->probe.reason);
	plan_variants(experiment, &run);
	run.cells = memory_alloc_array(campaign->cells_count, sizeof(*run.cells));
	for (size_t i = 0; i < campaign->cells_count; i++)
		run.cells[run.cells_count++] = plan_cell(experiment, i);
	scheduler_plan(&run, blocks_count);
	plan_looks(campaign, blocks_count, &run);
	*ret_run = run;
	return 0;
}

/* --- the plan as text ------------------------------------------------------------------ */

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static size_t blocks_count(const struct stored_run *run)
{
	return run->trials_count ? run->trials[run->trials_count - 1].block + 1 : 0;
}

static void print_head_exact(const struct experiment *experiment)
{
	const struct campaign *campaign = experiment->campaign;
	const struct stored_run *run = &experiment->run;
	const struct exact_policy *policy = &run->exact;
	size_t seeds = blocks_count(run);

	printf("campaign %s: %zu trials (%zu variant%s and a canary %s, %zu cell%s, %zu seed%s "
	       "from %" PRIu64 "), %s\n", campaign->name, run->trials_count,
	       campaign->variants_count, plural(campaign->variants_count),
	       run->control ? "with each seed" : "with the first seed", campaign->cells_count,
	       plural(campaign->cells_count), seeds, plural(seeds), run->seed, run->accelerator);
	printf("mode: exact, 2^%" PRIu32 " ns an instruction, %s%s", policy->shift,
	       !policy->counts ? "not counted" : policy->by_instruction ?
	       "counted by instruction" : "counted by block", policy->profile ?
	       ", profiled at the end" : "");
	if (policy->jitter_us)
		printf(", interrupted every %" PRIu32 " us", policy->jitter_us);
	if (policy->kaslr)
		printf(", KASLR");
	printf("\n");
}

/* "looks: after 6, 12 and 18 blocks; it ends where every metric is settled" */
static void print_looks(const struct stored_run *run)
{
	for (size_t i = 0; i < run->looks_count; i++)
		printf("%s%" PRIu32, i == 0 ? "looks: after " :
		       i + 1 == run->looks_count ? " and " : ", ", run->looks[i].blocks);
	if (run->looks_count)
		printf(" blocks; the run ends where every metric is settled\n");
}

static void print_head_timed(const struct experiment *experiment)
{
	const struct campaign *campaign = experiment->campaign;
	const struct stored_run *run = &experiment->run;
	size_t blocks = blocks_count(run);

	printf("campaign %s: %zu trials (%zu variant%s%s, %zu cell%s, %zu block%s), seed %" PRIu64
	       ", %s\n", campaign->name, run->trials_count, campaign->variants_count,
	       plural(campaign->variants_count),
	       campaign->control ? " and the A/A control" : "", campaign->cells_count,
	       plural(campaign->cells_count), blocks, plural(blocks), run->seed,
	       run->accelerator);
	print_looks(run);
}

static void print_kernels(const struct experiment *experiment)
{
	const struct campaign *campaign = experiment->campaign;

	printf("kernels:\n");
	for (size_t i = 0; i < campaign->variants_count; i++) {
		const struct variant *variant = &campaign->variants[i];
		cleanup_free char *cmdline = variant_cmdline(variant);
		bool cached = experiment->kernel_cached[i];

		printf("  %-16s %s, %.12s, %s%s%s%s\n", variant->name,
		       variant->kernel.base.name, experiment->kernel_keys[i],
		       cached ? "built already" : "to be built", *cmdline ? "; " : "", cmdline,
		       i == campaign->baseline ? " (baseline)" : "");
	}
}

static void print_trials(const struct experiment *experiment)
{
	const struct stored_run *run = &experiment->run;

	bool is_exact = run->mode == MODE_EXACT;

	printf("trials, in this order:\n  %6s %6s  %-24s %s\n", "trial",
	       is_exact ? "seed" : "block", "variant", "guest/suite");
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];
		const struct stored_cell *cell = &run->cells[trial->cell];

		printf("  %6u %6" PRIu64 "  %-24s %s/%s\n", trial->order + 1,
		       is_exact ? trial->seed : trial->block + UINT64_C(1),
		       run->variants[trial->variant].label, cell->guest, cell->suite);
	}
}

/* A plan leaves nothing behind: no store is made for it. */
int experiment_prepare_unstored(const struct campaign *campaign,
				const struct experiment_options *options, struct experiment *ret,
				struct error *err)
{
	cleanup_free char *store_path = path_join(options->results_dir, "store.sqlite");
	int rc = experiment_prepare(campaign, options, ret, err);

	if (!rc && path_exists(store_path))
		rc = run_store_open(options->results_dir, &ret->store, err);
	if (!rc)
		rc = experiment_make_plan(ret, &ret->run, err);
	if (!rc)
		experiment_expect_durations(ret);
	return rc;
}

int experiment_print_plan(const struct campaign *campaign,
			  const struct experiment_options *options, struct error *err)
{
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	int rc = experiment_prepare_unstored(campaign, options, &experiment, err);

	if (rc)
		return rc;
	if (experiment_is_exact(&experiment))
		print_head_exact(&experiment);
	else
		print_head_timed(&experiment);
	print_kernels(&experiment);
	print_trials(&experiment);
	experiment_print_estimate(&experiment);
	return 0;
}
