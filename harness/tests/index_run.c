/* index_run.c - stores of many nights, made up. */
#include "index_run.h"

#include <math.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "run_store_history.h"
#include "run_store_nights.h"
#include "sample_run.h"
#include "test.h"

#define NIGHTS 100
#define FIRST_NS (UINT64_C(1767225600) * NS_PER_SECOND) /* 2026-01-01T00:00:00Z */
#define DAY_NS (UINT64_C(86400) * NS_PER_SECOND)
#define FIGURES_MAX 16
#define SLOWER_FROM 80
#define MISSING 30
#define RUNLESS 97

static const char hostile[] =
	"</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'`&lt;b&gt;"
	"\xe2\x80\xae txet \xff\xfe\xc0\xaf\x1b[31m\x01 %s%n";

static void make_hostile(char **text, const char *mark)
{
	free(*text);
	*text = string_format("%s %s", mark, hostile);
}

static uint64_t night_ns(uint32_t number)
{
	return FIRST_NS + number * DAY_NS;
}

static struct stored_run make_run(uint32_t number, enum index_run_kind kind)
{
	struct stored_run run = sample_run(1, 1);
	char stamp[CLOCK_TEXT_MAX];

	free(run.campaign);
	run.campaign = string_copy("nightly");
	run.started_wall_ns = night_ns(number);
	run.id = string_format("%s-nightly", clock_format_stamp(run.started_wall_ns, stamp));
	if (kind != INDEX_RUN_HOSTILE)
		return run;
	make_hostile(&run.campaign, "c");
	make_hostile(&run.note, "n");
	make_hostile(&run.variants[0].label, "a");
	make_hostile(&run.variants[1].label, "b");
	for (size_t i = 0; i < run.cells_count; i++) {
		make_hostile(&run.cells[i].guest, i ? "g" : "h");
		make_hostile(&run.cells[i].rows[0].name, "r");
		make_hostile(&run.cells[i].rows[0].metrics[0].unit, "u");
	}
	return run;
}

static bool is_left_out(uint32_t number, uint32_t cell)
{
	return cell == 1 && number % 5 == 0;
}

static double center_of(uint32_t number, uint32_t index, uint32_t variant,
			enum index_run_kind kind)
{
	double noise = (double)((number * 31 + index * 7 + variant * 3) * 7919 % 100) / 100;

	if (kind == INDEX_RUN_HOSTILE && number % 4 == 1)
		return (const double[]){ NAN, INFINITY, -1, 1e308, 5e-324 }[number / 4 % 5];
	return (1000 + 200 * index) * (1 + noise / 100) *
	       (variant && !index && number >= SLOWER_FROM ? 1.1 : 1);
}

static size_t make_figures(uint32_t number, enum index_run_kind kind, struct run_figure *figures)
{
	size_t count = 0;

	for (uint32_t i = 0; i < FIGURES_MAX; i++) {
		uint32_t cell = i / 8, row = i / 4 % 2, metric = i / 2 % 2, variant = i % 2;
		double center = center_of(number, i / 2, variant, kind);

		if (!is_left_out(number, cell))
			figures[count++] = (struct run_figure){
				.cell = cell, .row = row, .metric = metric, .variant = variant,
				.boots_count = 3, .center = center, .low = center * 0.99,
				.high = center * 1.01, .conditions = "guest=g\n" };
	}
	return count;
}

static bool store_verdicts(struct run_store *store, const struct stored_run *run, uint32_t number,
			   const struct run_figure *figures, size_t count, bool is_history)
{
	struct stored_verdict *verdicts = memory_alloc_array(count, sizeof(*verdicts));
	struct error err = ERROR_INIT;
	size_t made = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++) {
		bool is_slower = i == 1 && number >= SLOWER_FROM &&
				 (!is_history || number < SLOWER_FROM + 7);

		if (!figures[i].variant)
			continue;
		verdicts[made] = (struct stored_verdict){
			.is_history = is_history, .ratio = is_slower ? 1.1 : 1.001, .p = 0.01,
			.verdict = string_copy(is_slower ? "regressed" :
					       number == 60 ? RUN_STORE_WITHHELD : "equivalent") };
		rc = run_store_find_series(store, run, figures[i].cell, figures[i].row,
					   figures[i].metric, 1, &verdicts[made++].series, &err);
	}
	if (!rc && is_history)
		rc = run_store_set_verdicts(store, run->id, true, verdicts, made, &err);
	else if (!rc)
		rc = run_store_set_judged(store, run->id, verdicts, made, 1,
					  number >= SLOWER_FROM, &err);
	stored_verdicts_free(verdicts, made);
	return test_check_string(err.message, "") && !rc;
}

static void add_event(struct stored_night *night, const struct stored_run *run,
		      enum night_event_state state, const char *culprit)
{
	const struct stored_cell *cell = &run->cells[0];

	night->events = memory_realloc_array(night->events, night->events_count + 1,
					     sizeof(*night->events));
	night->events[night->events_count++] = (struct stored_night_event){
		.guest = string_copy(cell->guest), .suite = string_copy(cell->suite),
		.row = string_copy(cell->rows[0].name),
		.metric = string_copy(cell->rows[0].metrics[0].name),
		.variant = string_copy(run->variants[1].label), .is_worse = true, .ratio = 1.1,
		.p = 0.0004, .state = state, .against = string_copy("7 nights"),
		.confirm_run = culprit ? string_copy(run->id) : NULL,
		.culprit = string_copy(culprit), .reason = string_copy("a reason"),
	};
}

static void add_cells(struct stored_night *night, const struct stored_run *run, uint32_t number)
{
	night->cells = memory_alloc_array(run->cells_count, sizeof(*night->cells));
	for (uint32_t i = 0; i < run->cells_count; i++)
		night->cells[night->cells_count++] = (struct stored_night_cell){
			.guest = string_copy(run->cells[i].guest),
			.suite = string_copy(run->cells[i].suite),
			.is_run = !is_left_out(number, i), .estimate_ns = NS_PER_SECOND };
}

static bool store_night(struct run_store *store, const struct stored_run *run, uint32_t number,
			enum index_run_kind kind)
{
	struct stored_night night = {
		.id = string_format("night %u", number), .campaign = string_copy(run->campaign),
		.run_id = number == RUNLESS ? NULL : string_copy(run->id),
		.started_wall_ns = night_ns(number), .budget_minutes = 45,
		.finished_wall_ns = night_ns(number) + 1860 * NS_PER_SECOND,
		.status = number == RUNLESS ? 2 : number >= SLOWER_FROM,
		.summary = string_format("summary of night %u", number),
	};
	struct error err = ERROR_INIT;
	int rc;

	add_cells(&night, run, number);
	if (number == SLOWER_FROM)
		add_event(&night, run, NIGHT_EVENT_SUSPECTED, NULL);
	if (number == SLOWER_FROM + 1)
		add_event(&night, run, NIGHT_EVENT_CONFIRMED, INDEX_RUN_CULPRIT);
	if (number == 40)
		add_event(&night, run, NIGHT_EVENT_REFUTED, NULL);
	if (kind == INDEX_RUN_HOSTILE) {
		make_hostile(&night.summary, "s");
		for (size_t i = 0; i < night.events_count; i++) {
			make_hostile(&night.events[i].culprit, "p");
			make_hostile(&night.events[i].reason, "q");
			make_hostile(&night.events[i].against, "t");
			night.events[i].ratio = INFINITY;
		}
	}
	rc = run_store_set_night(store, &night, &err);
	stored_night_release(&night);
	return test_check_string(err.message, "") && !rc;
}

static bool store_run(struct run_store *store, uint32_t number, enum index_run_kind kind)
{
	cleanup_run struct stored_run run = make_run(number, kind);
	struct run_figure figures[FIGURES_MAX];
	size_t count = make_figures(number, kind, figures);
	struct error err = ERROR_INIT;
	bool is_kept;

	if (number != RUNLESS) {
		is_kept = sample_store_begin(store, &run) &&
			  !run_store_set_state(store, run.id, "finished", &err) &&
			  !run_store_put_figures(store, &run, figures, count, 1, &err) &&
			  store_verdicts(store, &run, number, figures, count, false) &&
			  store_verdicts(store, &run, number, figures, count, true);
		if (!test_check(is_kept))
			return false;
	}
	return store_night(store, &run, number, kind);
}

static void make_nights(struct run_store *store, const char *folder, enum index_run_kind kind)
{
	cleanup_free char *run = path_join(folder, INDEX_RUN_NEWEST);
	cleanup_free char *report = path_join(run, "report.html");

	for (uint32_t i = 0; i < NIGHTS; i++)
		if (i != MISSING && !store_run(store, i, kind))
			return;
	CU_ASSERT_EQUAL(folder_make(run), 0);
	CU_ASSERT_EQUAL(file_write_atomic(report, "x", 1, 0644), 0);
}

const char *index_run_folder(enum index_run_kind kind)
{
	static const char *folders[INDEX_RUN_KINDS_COUNT];
	cleanup_store struct run_store *store = NULL;

	if (folders[kind])
		return folders[kind];
	folders[kind] = test_temp_folder();
	store = sample_store_open(folders[kind]);
	if (store && (kind == INDEX_RUN_NIGHTS || kind == INDEX_RUN_HOSTILE))
		make_nights(store, folders[kind], kind);
	if (store && kind == INDEX_RUN_ONE) {
		cleanup_run struct stored_run run = sample_run(2, 1);

		(void)sample_store_begin(store, &run);
	}
	return folders[kind];
}
