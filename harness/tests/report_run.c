/* report_run.c - runs for tests of reports. */
#include "report_run.h"

#include <math.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "sample_run.h"
#include "test.h"

#define BLOCKS 12
#define SAMPLES 6
#define LONG_TIMES 1000
#define TAIL_SAMPLES 300
#define TAIL_METRIC "latency_max_ns"
#define LOOKS_BLOCKS 9 /* after the second look */

/* Ends tags, attributes, style sheets and gnuplot's strings; turned writing; bytes that
 * are no UTF-8; formats. */
static const char hostile[] =
	"</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'`touch x`"
	"\\$(id);%s%n%5$s {/=20 x}_^ \xe2\x80\xae txet \xff\xfe\xc0\xaf\x1b[31m\x01 &lt;b&gt;";

/* Labels and rows are unique: a number stands in front. */
static void make_hostile(char **text)
{
	static unsigned int number;

	free(*text);
	*text = string_format("%u %s", ++number, hostile);
}

static void make_run_hostile(struct stored_run *run)
{
	make_hostile(&run->campaign);
	make_hostile(&run->campaign_file);
	make_hostile(&run->note);
	make_hostile(&run->accelerator);
	for (size_t i = 0; i < run->variants_count; i++) {
		make_hostile(&run->variants[i].label);
		make_hostile(&run->variants[i].cmdline);
		make_hostile(&run->variants[i].kernel_key);
	}
	for (size_t i = 0; i < run->cells_count; i++) {
		make_hostile(&run->cells[i].guest);
		make_hostile(&run->cells[i].suite);
		for (size_t row = 0; row < run->cells[i].rows_count; row++) {
			make_hostile(&run->cells[i].rows[row].name);
			make_hostile(&run->cells[i].rows[row].workload);
			make_hostile(&run->cells[i].rows[row].arguments);
			make_hostile(&run->cells[i].rows[row].metrics[0].meaning);
			make_hostile(&run->cells[i].rows[row].metrics[0].unit);
		}
	}
}

/* Small differences that repeat, and a drift of 2 % over the run. */
static double level_of(const struct stored_trial *trial, enum report_run_kind kind)
{
	static const double noise[] = { 0.3, -0.4, 0.1, 0.5, -0.2, -0.3, 0.4 };
	double level = 1e6 * (1 + noise[(3 * trial->variant + 5 * trial->block) % 7] / 100);

	if (kind == REPORT_RUN_EQUAL)
		return 1000;
	if (kind == REPORT_RUN_ODD)
		return (const double[]){ 0, -5, 1e300, 1e-300 }[trial->block % 4];
	level *= 1 + 0.02 * trial->order / 72;
	if (trial->variant == 1 && trial->cell == 0)
		level *= 1.1;
	if (kind == REPORT_RUN_CONTROL && trial->variant == 2)
		level *= 1.5;
	return level;
}

static void make_finding(struct trial_result *result, const struct stored_trial *trial,
			 enum report_run_kind kind)
{
	struct finding *finding = &result->findings[0];

	if (kind == REPORT_RUN_HOSTILE) {
		cleanup_strbuf struct strbuf excerpt = STRBUF_INIT;

		for (int i = 0; i < (trial->order ? 1 : LONG_TIMES); i++)
			strbuf_addf(&excerpt, "%s%c", hostile, i % 7 ? 'x' : '\n');
		make_hostile(&finding->title);
		free(finding->excerpt);
		finding->excerpt = strbuf_detach(&excerpt);
	}
}

/* Hundreds of samples in a boot, some of them late; "patched" is late more often. */
static void add_tail(struct trial_result *result, const struct stored_trial *trial)
{
	for (uint32_t i = 0; i < TAIL_SAMPLES; i++) {
		uint32_t mixed = (trial->order * TAIL_SAMPLES + i) * UINT32_C(2654435761) >> 8;
		bool is_late = mixed % 1000 < (trial->variant == 1 ? 30 : 12);

		trial_result_add_sample(result, 1, TAIL_METRIC, i,
					50000 + mixed % 5000 + (is_late ? 400000 : 0));
	}
}

static struct trial_result make_result(const struct stored_trial *trial, enum report_run_kind kind)
{
	double level = level_of(trial, kind);
	bool is_flat = kind == REPORT_RUN_EQUAL || kind == REPORT_RUN_ODD;
	bool is_dead = kind == REPORT_RUN_NO_SAMPLES;
	struct trial_result result = sample_result(is_dead ? 0 : is_flat ? 1 : SAMPLES, level);

	for (size_t i = 0; i < result.samples_count && is_flat; i++)
		if (!strcmp(result.samples[i].metric, "rate_gib_s"))
			result.samples[i].value = 1;
	make_finding(&result, trial, kind);
	if (kind == REPORT_RUN_LOOKS)
		add_tail(&result, trial);
	if (is_dead)
		trial_result_worsen(&result, OUTCOME_CRASHED, "panic: no samples");
	else if (kind == REPORT_RUN_HOSTILE && trial->order == 5)
		trial_result_worsen(&result, OUTCOME_FAILED, "%s", hostile);
	else if (kind == REPORT_RUN_LOOKS && trial->cell == 1 &&
		 (trial->variant == 1 ? trial->block % 3 : trial->variant == 0 && !trial->block))
		trial_result_worsen(&result, OUTCOME_FAILED, "row first: 3 of 40 files differ");
	return result;
}

static bool finish(struct run_store *store, const struct stored_trial *trial,
		   enum report_run_kind kind)
{
	cleanup_result struct trial_result result = make_result(trial, kind);
	cleanup_free char *fingerprint =
		string_format("guest=g\nhost.cpus=2\nvariant.kernel_release=%s\n",
			      kind == REPORT_RUN_HOSTILE ? "<b>7</b>" : "7.3.4");
	struct error err = ERROR_INIT;

	return test_check(!run_store_trial_started(store, trial->id, &err)) &&
	       test_check(!run_store_trial_finished(store, trial->id, &result, fingerprint, &err));
}

static void plan_looks(struct stored_run *run)
{
	struct stored_row *row;

	run->looks_count = 3;
	run->looks = memory_alloc_array(3, sizeof(*run->looks));
	for (uint32_t i = 0; i < 3; i++)
		run->looks[i] = (struct stored_look){ .blocks = 6 + 3 * i, .alpha = NAN };
	for (size_t i = 0; i < run->cells_count; i++) {
		row = &run->cells[i].rows[1];
		row->metrics = memory_realloc_array(row->metrics, 3, sizeof(*row->metrics));
		row->metrics[row->metrics_count++] = (struct metric_info){
			.name = string_copy(TAIL_METRIC), .unit = string_copy("ns"),
			.meaning = string_copy("late wake-ups"), .kind = METRIC_TAIL };
	}
}

static void take_looks(struct run_store *store, const struct stored_run *run)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < 2; i++) {
		const struct stored_look look = {
			.blocks = run->looks[i].blocks, .open_count = i ? 0 : 2, .stopped = i == 1,
			.alpha = i ? 0.021 : 0.0031,
			.taken_wall_ns = run->started_wall_ns + (i + 1) * 600 * NS_PER_SECOND };

		test_check(!run_store_set_look(store, run->id, i, &look, &err));
	}
}

static void add_run(struct run_store *store, const char *id, uint64_t wall_ns,
		    enum report_run_kind kind)
{
	cleanup_run struct stored_run run = sample_run(kind == REPORT_RUN_ONE_BOOT ? 1 : BLOCKS, 7);
	size_t trials = kind == REPORT_RUN_EMPTY ? 0 : run.trials_count;
	struct error err = ERROR_INIT;

	run.id = string_copy(id);
	run.started_wall_ns = wall_ns;
	if (kind == REPORT_RUN_LOOKS)
		plan_looks(&run);
	if (kind == REPORT_RUN_HOSTILE)
		make_run_hostile(&run);
	if (!sample_store_begin(store, &run))
		return;
	for (size_t i = 0; i < (kind == REPORT_RUN_UNFINISHED ? trials / 2 : trials); i++)
		if (!(kind == REPORT_RUN_LOOKS && run.trials[i].block >= LOOKS_BLOCKS) &&
		    !finish(store, &run.trials[i], kind))
			break;
	if (kind == REPORT_RUN_LOOKS)
		take_looks(store, &run);
	test_check(!run_store_set_state(store, run.id, trials && kind != REPORT_RUN_UNFINISHED ?
					"finished" : "interrupted", &err));
}

const char *report_run_folder(enum report_run_kind kind)
{
	static const char *folders[REPORT_RUN_KINDS_COUNT];
	uint64_t wall_ns = UINT64_C(1795334400) * NS_PER_SECOND, day_ns = 86400 * NS_PER_SECOND;
	cleanup_store struct run_store *store = NULL;

	if (folders[kind])
		return folders[kind];
	folders[kind] = test_temp_folder();
	store = sample_store_open(folders[kind]);
	for (int i = 3; store && kind == REPORT_RUN_HISTORY && i > 0; i--) {
		cleanup_free char *id = string_format("202611%02d-080000-report", 22 - i);

		add_run(store, id, wall_ns - (uint64_t)i * day_ns, REPORT_RUN_REGRESSED);
	}
	if (store)
		add_run(store, REPORT_RUN, wall_ns, kind);
	return folders[kind];
}
