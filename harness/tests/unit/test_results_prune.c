/* Tests of engine/results_prune.c and run_artifacts.c: made-up runs with made-up
 * files; what goes, and above all what does not.
 */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "results_prune.h"
#include "run_artifacts.h"
#include "sample_run.h"
#include "test.h"

#define DAY_NS (UINT64_C(24) * 3600 * NS_PER_SECOND)
#define TRIALS 6 /* of a run: 1 block of 3 variants in 2 cells */
#define ARCHIVE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.cpio"

enum { FAILED = 2, WITH_FINDING = 4 }; /* orders of such trials, where a run has them */

struct place {
	const char *folder;          /* results/; borrowed */
	struct run_store *store;     /* owned */
};

static struct place place_make(void)
{
	const char *folder = test_temp_folder();

	return (struct place){ .folder = folder, .store = sample_store_open(folder) };
}

static void place_release(struct place *place)
{
	run_store_close(place->store);
}

#define cleanup_place cleanup_with(place_release)

/* --- files -------------------------------------------------------------------------- */

static void write_file(const char *folder, const char *name, size_t length)
{
	cleanup_free char *path = path_join(folder, name);
	cleanup_free char *above = path_folder(path);
	cleanup_fclose FILE *file = NULL;

	CU_ASSERT_EQUAL(folder_make(above), 0);
	file = fopen(path, "w");
	if (test_check(file != NULL))
		CU_ASSERT(length == 0 || fprintf(file, "%*s", (int)length, "") == (int)length);
}

static bool is_there(const struct place *place, const char *path)
{
	cleanup_free char *absolute = path_join(place->folder, path);
	struct stat info;

	return lstat(absolute, &info) == 0;
}

/* Of a trial: about 12 KiB in five files, one of them a tool's. */
static void write_trial(const struct place *place, const char *id, uint32_t order)
{
	cleanup_free char *folder = run_store_trial_folder(place->store, id, order);

	write_file(folder, "console.log", 5000);
	write_file(folder, "results.log", 100);
	write_file(folder, "domain.xml", 100);
	write_file(folder, "plan.cpio", 100);
	write_file(folder, "first.out.json", 100);
}

static size_t trials_with_console(const struct place *place, const char *id)
{
	size_t count = 0;

	for (uint32_t i = 0; i < TRIALS; i++) {
		cleanup_free char *path = string_format("%s/trials/%04u/console.log", id, i + 1);

		count += is_there(place, path);
	}
	return count;
}

static uint64_t disk_bytes(const struct place *place, const char *id)
{
	cleanup_free char *path = path_join(place->folder, id);
	uint64_t bytes = 0;

	CU_ASSERT_EQUAL(folder_disk_bytes(path, true, &bytes), 0);
	return bytes;
}

/* --- runs ----------------------------------------------------------------------------- */

struct made {
	const char *id;
	uint64_t days;               /* ago that it began */
	const char *state;           /* NULL: finished */
	bool with_bad;               /* FAILED failed, WITH_FINDING has a finding */
	bool no_results;             /* to save time, where no trial goes */
};

static void drop_findings(struct trial_result *result)
{
	for (size_t i = 0; i < result->findings_count; i++) {
		free(result->findings[i].title);
		free(result->findings[i].excerpt);
	}
	result->findings_count = 0;
}

static void finish_trial(const struct place *place, const struct made *made,
			 const struct stored_trial *trial)
{
	cleanup_result struct trial_result result = sample_result(2, 100);
	struct error err = ERROR_INIT;

	if (!made->with_bad || trial->order != WITH_FINDING)
		drop_findings(&result);
	if (made->with_bad && trial->order == FAILED)
		trial_result_worsen(&result, OUTCOME_FAILED, "wrong answer");
	CU_ASSERT_EQUAL(run_store_trial_started(place->store, trial->id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(place->store, trial->id, &result, "a=1\n", &err),
			0);
}

static void make_run(const struct place *place, const struct made *made)
{
	cleanup_run struct stored_run run = sample_run(1, 1);
	cleanup_free char *folder = path_join(place->folder, made->id);
	struct error err = ERROR_INIT;

	run.id = string_copy(made->id);
	run.started_wall_ns = clock_wall_ns() - made->days * DAY_NS;
	if (!sample_store_begin(place->store, &run) || !test_check(run.trials_count == TRIALS))
		return;
	for (size_t i = 0; !made->no_results && i < run.trials_count; i++)
		finish_trial(place, made, &run.trials[i]);
	for (uint32_t i = 0; i < TRIALS; i++)
		write_trial(place, made->id, i);
	write_file(folder, "initrd/" ARCHIVE, 9000);
	write_file(folder, "campaign.yaml", 10);
	write_file(folder, "report.html", 10);
	write_file(folder, "lock", 0);
	CU_ASSERT_EQUAL(run_store_set_state(place->store, made->id,
					    made->state ? made->state : "finished", &err), 0);
	test_check_string(err.message, "");
}

/* The newest run, which is never touched, behind those that a test is about. */
static void make_newest(const struct place *place)
{
	make_run(place, &(struct made){ .id = "newest", .no_results = true });
}

static struct results_pruned prune(const struct place *place, uint32_t keep_days,
				   uint64_t max_bytes, bool dry_run)
{
	const struct results_prune_policy policy = { .keep_days = keep_days,
						     .max_bytes = max_bytes,
						     .dry_run = dry_run };
	struct results_pruned pruned = { .bytes = 0 };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(results_prune(place->store, &policy, &pruned, &err), 0);
	test_check_string(err.message, "");
	return pruned;
}

static char *pruned_when(const struct place *place, const char *id, uint32_t order)
{
	return run_artifacts_pruned_when(place->store, id, order);
}

/* --- by age ------------------------------------------------------------------------------ */

static void check_rest_of_run(const struct place *place, const char *id)
{
	static const char *const stays[] = { "campaign.yaml", "report.html", "lock" };

	for (size_t i = 0; i < ARRAY_COUNT(stays); i++) {
		cleanup_free char *path = string_format("%s/%s", id, stays[i]);

		CU_ASSERT(is_there(place, path));
	}
}

static void check_samples(const struct place *place, const char *id)
{
	struct stored_samples *items = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	CU_ASSERT_EQUAL(run_store_samples(place->store, id, 0, 0, "fallocate_ns", &items, &count,
					  &err), 0);
	CU_ASSERT_EQUAL(count, 3);
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL(items[i].count, 2);
	stored_samples_free(items, count);
}

static void test_age(void)
{
	cleanup_place struct place place = place_make();
	struct results_pruned pruned;
	uint64_t before, after;

	make_run(&place, &(struct made){ .id = "old", .days = 31 });
	make_run(&place, &(struct made){ .id = "young", .days = 29 });
	make_newest(&place);
	before = disk_bytes(&place, "old");
	pruned = prune(&place, 30, 0, false);
	after = disk_bytes(&place, "old");
	CU_ASSERT_EQUAL(pruned.trials_count, TRIALS);
	/* The folder "trials" goes as well, the note is new. */
	CU_ASSERT(before - after >= pruned.bytes - 4096 && before - after <= pruned.bytes + 4096);
	CU_ASSERT(pruned.bytes > TRIALS * UINT64_C(5100) + 9000);
	CU_ASSERT(!is_there(&place, "old/trials"));
	CU_ASSERT(!is_there(&place, "old/initrd"));
	check_rest_of_run(&place, "old");
	check_samples(&place, "old");
	CU_ASSERT_EQUAL(trials_with_console(&place, "young"), TRIALS);
	CU_ASSERT_EQUAL(trials_with_console(&place, "newest"), TRIALS);
	CU_ASSERT(is_there(&place, "young/initrd/" ARCHIVE));
}

/* What is left is counted alike in the second pass, which finds nothing to do. */
static void test_twice(void)
{
	cleanup_place struct place place = place_make();
	struct results_pruned first, second;

	make_run(&place, &(struct made){ .id = "old", .days = 31 });
	make_run(&place, &(struct made){ .id = "young", .days = 3 });
	make_newest(&place);
	first = prune(&place, 30, 0, false);
	second = prune(&place, 30, 0, false);
	CU_ASSERT_EQUAL(second.trials_count, 0);
	CU_ASSERT_EQUAL(second.bytes, 0);
	CU_ASSERT(first.left_bytes > 0);
	CU_ASSERT_EQUAL(second.left_bytes, first.left_bytes);
	CU_ASSERT_EQUAL(second.kept_bytes, first.kept_bytes);
	CU_ASSERT_EQUAL(first.kept_bytes * 2, first.left_bytes);
}

static void test_note(void)
{
	cleanup_place struct place place = place_make();
	cleanup_free char *gone = NULL, *failed = NULL, *young = NULL, *beyond = NULL;
	char today[CLOCK_TEXT_MAX];

	make_run(&place, &(struct made){ .id = "old", .days = 31, .with_bad = true });
	make_newest(&place);
	(void)prune(&place, 30, 0, false);
	clock_format_utc(clock_wall_ns(), today);
	today[strlen("2026-11-2")] = '\0';
	gone = pruned_when(&place, "old", 0);
	if (test_check(gone != NULL)) {
		test_check_contains(gone, today);
		CU_ASSERT_EQUAL(strlen(gone), strlen("2026-11-22T01:30:00Z"));
	}
	failed = pruned_when(&place, "old", FAILED);
	young = pruned_when(&place, "newest", 0);
	beyond = pruned_when(&place, "old", 600);
	CU_ASSERT_PTR_NULL(failed);
	CU_ASSERT_PTR_NULL(young);
	CU_ASSERT_PTR_NULL(beyond);
}

/* --- by size ------------------------------------------------------------------------------- */

static void test_size_oldest_first(void)
{
	cleanup_place struct place place = place_make();
	struct results_pruned all, pruned;

	make_run(&place, &(struct made){ .id = "a", .days = 3 });
	make_run(&place, &(struct made){ .id = "b", .days = 2 });
	make_newest(&place);
	all = prune(&place, 0, UINT64_MAX, false);
	CU_ASSERT_EQUAL(all.trials_count, 0);
	/* One byte too many: one trial goes, the oldest. */
	pruned = prune(&place, 0, all.left_bytes - 1, false);
	CU_ASSERT_EQUAL(pruned.trials_count, 1);
	CU_ASSERT(pruned.left_bytes < all.left_bytes);
	CU_ASSERT(!is_there(&place, "a/trials/0001"));
	CU_ASSERT_EQUAL(trials_with_console(&place, "a"), TRIALS - 1);
	CU_ASSERT(is_there(&place, "a/initrd/" ARCHIVE));
	/* Two thirds: the rest of a, and then none of b. */
	pruned = prune(&place, 0, all.left_bytes / 3 * 2, false);
	CU_ASSERT_EQUAL(pruned.trials_count, TRIALS - 1);
	CU_ASSERT(!is_there(&place, "a/initrd"));
	CU_ASSERT_EQUAL(trials_with_console(&place, "b"), TRIALS);
	CU_ASSERT_EQUAL(pruned.left_bytes, all.left_bytes / 3 * 2);
}

/* Younger than keep_days: the bound by size holds all the same. */
static void test_both_bounds(void)
{
	cleanup_place struct place place = place_make();
	struct results_pruned pruned;

	make_run(&place, &(struct made){ .id = "old", .days = 40 });
	make_run(&place, &(struct made){ .id = "young", .days = 2 });
	make_newest(&place);
	pruned = prune(&place, 30, 1, false);
	CU_ASSERT_EQUAL(pruned.trials_count, 2 * TRIALS);
	CU_ASSERT_EQUAL(pruned.left_bytes, pruned.kept_bytes);
	CU_ASSERT(pruned.kept_bytes > 1);
	CU_ASSERT_EQUAL(trials_with_console(&place, "newest"), TRIALS);
}

static void test_bad_trials_last(void)
{
	cleanup_place struct place place = place_make();
	struct results_pruned pruned;

	make_run(&place, &(struct made){ .id = "a", .days = 300, .with_bad = true });
	make_run(&place, &(struct made){ .id = "b", .days = 200 });
	make_newest(&place);
	/* Not by age, */
	pruned = prune(&place, 250, 0, false);
	CU_ASSERT_EQUAL(pruned.trials_count, TRIALS - 2);
	CU_ASSERT(is_there(&place, "a/trials/0003/console.log"));
	CU_ASSERT(is_there(&place, "a/trials/0005/console.log"));
	CU_ASSERT(is_there(&place, "a/initrd/" ARCHIVE)); /* replay needs it for them */
	/* and by size when all else is gone. */
	pruned = prune(&place, 0, pruned.left_bytes - 1, false);
	CU_ASSERT_EQUAL(pruned.trials_count, 1);
	CU_ASSERT_EQUAL(trials_with_console(&place, "b"), TRIALS - 1);
	CU_ASSERT_EQUAL(trials_with_console(&place, "a"), 2);
	pruned = prune(&place, 0, 1, false);
	CU_ASSERT_EQUAL(pruned.trials_count, TRIALS - 1 + 2);
	CU_ASSERT(!is_there(&place, "a/trials"));
	CU_ASSERT(!is_there(&place, "a/initrd"));
}

/* --- what is never touched -------------------------------------------------------------------- */

static void test_newest(void)
{
	cleanup_place struct place place = place_make();
	struct results_pruned pruned;

	make_run(&place, &(struct made){ .id = "only", .days = 300 });
	pruned = prune(&place, 1, 1, false);
	CU_ASSERT_EQUAL(pruned.trials_count, 0);
	CU_ASSERT_EQUAL(pruned.left_bytes, pruned.kept_bytes);
	CU_ASSERT_EQUAL(trials_with_console(&place, "only"), TRIALS);
}

static void test_latest(void)
{
	cleanup_place struct place place = place_make();
	cleanup_free char *link = path_join(place.folder, "latest");
	struct results_pruned pruned;

	make_run(&place, &(struct made){ .id = "a", .days = 300 });
	make_run(&place, &(struct made){ .id = "b", .days = 299 });
	make_newest(&place);
	CU_ASSERT_EQUAL(symlink_replace("a", link), 0);
	pruned = prune(&place, 1, 1, false);
	CU_ASSERT_EQUAL(pruned.trials_count, TRIALS);
	CU_ASSERT_EQUAL(trials_with_console(&place, "a"), TRIALS);
	CU_ASSERT_EQUAL(trials_with_console(&place, "b"), 0);
}

static void test_unfinished(void)
{
	cleanup_place struct place place = place_make();
	struct results_pruned pruned;

	make_run(&place, &(struct made){ .id = "stopped", .days = 300,
					 .state = "interrupted", .no_results = true });
	make_run(&place, &(struct made){ .id = "killed", .days = 300, .state = "running",
					 .no_results = true });
	make_newest(&place);
	pruned = prune(&place, 1, 1, false);
	CU_ASSERT_EQUAL(pruned.trials_count, 0);
	CU_ASSERT_EQUAL(trials_with_console(&place, "stopped"), TRIALS);
	CU_ASSERT_EQUAL(trials_with_console(&place, "killed"), TRIALS);
	CU_ASSERT_EQUAL(pruned.left_bytes, pruned.kept_bytes);
}

static void test_under_way(void)
{
	cleanup_place struct place place = place_make();
	cleanup_free char *path = path_join(place.folder, "busy/lock");
	struct results_pruned pruned;
	int lock = -1;

	make_run(&place, &(struct made){ .id = "busy", .days = 300 });
	make_newest(&place);
	CU_ASSERT_EQUAL(lock_acquire(path, true, false, &lock), 0);
	pruned = prune(&place, 1, 1, false);
	CU_ASSERT_EQUAL(pruned.trials_count, 0);
	CU_ASSERT_EQUAL(trials_with_console(&place, "busy"), TRIALS);
	CU_ASSERT_EQUAL(close(lock), 0);
	/* Nothing of ours holds it afterwards. */
	pruned = prune(&place, 1, 1, false);
	CU_ASSERT_EQUAL(pruned.trials_count, TRIALS);
	CU_ASSERT_EQUAL(lock_acquire(path, true, false, &lock), 0);
	CU_ASSERT_EQUAL(close(lock), 0);
}

static void test_cases_and_others(void)
{
	cleanup_place struct place place = place_make();
	struct results_pruned pruned;

	make_run(&place, &(struct made){ .id = "old", .days = 300 });
	make_newest(&place);
	write_file(place.folder, "cases/x/console.log", 9000);
	write_file(place.folder, "stranger/trials/0001/console.log", 9000);
	write_file(place.folder, "bisect/b/state.json", 9000);
	pruned = prune(&place, 1, 1, false);
	CU_ASSERT_EQUAL(pruned.trials_count, TRIALS);
	CU_ASSERT(is_there(&place, "cases/x/console.log"));
	CU_ASSERT(is_there(&place, "stranger/trials/0001/console.log"));
	CU_ASSERT(is_there(&place, "bisect/b/state.json"));
}

/* --- links and files of others ------------------------------------------------------------------ */

/* Puts a link to target, a path below a folder of its own, in the place of path. */
static char *put_link(const struct place *place, const char *path, const char *target)
{
	cleanup_free char *absolute = path_join(place->folder, path);
	char *elsewhere = path_join(test_temp_folder(), target);

	CU_ASSERT_EQUAL(folder_remove(absolute), 0);
	CU_ASSERT_EQUAL(symlink(elsewhere, absolute), 0);
	return elsewhere;
}

static void test_linked_file(void)
{
	cleanup_place struct place place = place_make();
	cleanup_free char *target = NULL;

	make_run(&place, &(struct made){ .id = "old", .days = 300 });
	make_newest(&place);
	target = put_link(&place, "old/trials/0001/console.log", "x");
	CU_ASSERT_EQUAL(file_write_atomic(target, "keep", 4, 0644), 0);
	CU_ASSERT_EQUAL(prune(&place, 1, 0, false).trials_count, TRIALS);
	CU_ASSERT(path_exists(target));
	CU_ASSERT(is_there(&place, "old/trials/0001/console.log"));
	CU_ASSERT(!is_there(&place, "old/trials/0001/results.log"));
}

static void test_linked_folders(void)
{
	static const char *const paths[] = { "old/trials/0001", "old/trials", "old/initrd",
					     "old" };
	static const char *const inside[] = { "t/console.log", "t/0001/console.log",
					      "t/" ARCHIVE, "t/trials/0001/console.log" };
	static const size_t left[] = { 1, TRIALS, 0, TRIALS };

	for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
		cleanup_place struct place place = place_make();
		cleanup_free char *target = NULL, *above = NULL, *file = NULL;

		make_run(&place, &(struct made){ .id = "old", .days = 300 });
		make_newest(&place);
		target = put_link(&place, paths[i], "t");
		above = path_folder(target);
		write_file(above, inside[i], 5000);
		file = path_join(above, inside[i]);
		CU_ASSERT_EQUAL(prune(&place, 1, 1, false).trials_count, TRIALS - left[i]);
		CU_ASSERT(path_exists(file));
		CU_ASSERT(is_there(&place, paths[i]));
	}
}

static void test_foreign_files(void)
{
	cleanup_place struct place place = place_make();
	cleanup_free char *folder = path_join(place.folder, "old");
	static const char *const foreign[] = {
		"trials/0001/notes.txt", "trials/0001/first", "trials/0001/first.",
		"trials/0001/firstly.txt", "trials/0001/qemu.txt/inside", "trials/0002.bak",
		"trials/7/console.log", "trials/0007/console.log", "initrd/mine.cpio",
		"initrd/" ARCHIVE ".bak",
	};

	make_run(&place, &(struct made){ .id = "old", .days = 300 });
	make_newest(&place);
	for (size_t i = 0; i < ARRAY_COUNT(foreign); i++)
		write_file(folder, foreign[i], 10);
	CU_ASSERT_EQUAL(prune(&place, 1, 1, false).trials_count, TRIALS);
	for (size_t i = 0; i < ARRAY_COUNT(foreign); i++) {
		cleanup_free char *path = path_join("old", foreign[i]);

		if (!is_there(&place, path))
			test_check_string("removed", foreign[i]);
	}
	CU_ASSERT(!is_there(&place, "old/trials/0001/first.out.json"));
	CU_ASSERT(!is_there(&place, "old/trials/0002"));
	CU_ASSERT(!is_there(&place, "old/initrd/" ARCHIVE));
}

/* A store that others wrote may name any folder. */
static void test_wild_id(void)
{
	cleanup_place struct place place = place_make();
	cleanup_free char *inner = path_join(place.folder, "results");
	struct place wild = { .folder = inner, .store = sample_store_open(inner) };

	make_run(&wild, &(struct made){ .id = "../elsewhere", .days = 300 });
	make_newest(&wild);
	CU_ASSERT_EQUAL(prune(&wild, 1, 1, false).trials_count, 0);
	CU_ASSERT_EQUAL(trials_with_console(&place, "elsewhere"), TRIALS);
	place_release(&wild);
}

/* --- what is gone, and what cannot go ------------------------------------------------------------ */

static void test_gone(void)
{
	cleanup_place struct place place = place_make();
	cleanup_free char *run = path_join(place.folder, "a");
	cleanup_free char *trial = path_join(place.folder, "b/trials/0001");
	cleanup_free char *file = path_join(place.folder, "b/trials/0002/console.log");
	cleanup_free char *lock = path_join(place.folder, "b/lock");

	make_run(&place, &(struct made){ .id = "a", .days = 300 });
	make_run(&place, &(struct made){ .id = "b", .days = 300 });
	make_newest(&place);
	CU_ASSERT_EQUAL(folder_remove(run), 0);
	CU_ASSERT_EQUAL(folder_remove(trial), 0);
	CU_ASSERT_EQUAL(folder_remove(file), 0);
	CU_ASSERT_EQUAL(folder_remove(lock), 0);
	CU_ASSERT_EQUAL(prune(&place, 1, 0, false).trials_count, TRIALS - 1);
	CU_ASSERT(!is_there(&place, "a"));
	CU_ASSERT(!is_there(&place, "b/trials"));
}

/* The first failure is told; other runs are pruned all the same. */
static void test_failure(void)
{
	const struct results_prune_policy policy = { .keep_days = 1 };
	struct results_pruned pruned = { .trials_count = 77 };
	cleanup_place struct place place = place_make();
	cleanup_free char *run = path_join(place.folder, "a");
	struct error err = ERROR_INIT;

	make_run(&place, &(struct made){ .id = "a", .days = 300 });
	make_run(&place, &(struct made){ .id = "b", .days = 299 });
	make_newest(&place);
	write_file(run, "pruned/in-the-way", 10);
	CU_ASSERT_EQUAL(results_prune(place.store, &policy, &pruned, &err), -EISDIR);
	test_check_contains(err.message, "run a: the note of what is removed");
	CU_ASSERT_EQUAL(pruned.trials_count, 77);
	CU_ASSERT_EQUAL(trials_with_console(&place, "a"), TRIALS);
	CU_ASSERT_EQUAL(trials_with_console(&place, "b"), 0);
}

static void test_empty_store(void)
{
	cleanup_place struct place place = place_make();
	struct results_pruned pruned = prune(&place, 1, 1, false);

	CU_ASSERT_EQUAL(pruned.trials_count, 0);
	CU_ASSERT_EQUAL(pruned.left_bytes, 0);
}

static void test_dry_run(void)
{
	cleanup_place struct place place = place_make();
	struct results_pruned said, done;
	uint64_t before;

	make_run(&place, &(struct made){ .id = "a", .days = 300, .with_bad = true });
	make_run(&place, &(struct made){ .id = "b", .days = 10 });
	make_newest(&place);
	before = disk_bytes(&place, ".");
	said = prune(&place, 100, 1, true);
	CU_ASSERT_EQUAL(disk_bytes(&place, "."), before);
	CU_ASSERT(!is_there(&place, "a/pruned"));
	CU_ASSERT_EQUAL(trials_with_console(&place, "a"), TRIALS);
	CU_ASSERT_EQUAL(trials_with_console(&place, "b"), TRIALS);
	done = prune(&place, 100, 1, false);
	CU_ASSERT_EQUAL(said.trials_count, 2 * TRIALS);
	CU_ASSERT_EQUAL(said.trials_count, done.trials_count);
	CU_ASSERT_EQUAL(said.bytes, done.bytes);
	CU_ASSERT_EQUAL(said.left_bytes, done.left_bytes);
	CU_ASSERT_EQUAL(said.kept_bytes, done.kept_bytes);
}

TEST_SUITE("results_prune",
	   {"by age, with what trials share", test_age},
	   {"twice is once", test_twice},
	   {"what went is noted, with the time", test_note},
	   {"by size, the oldest first and no more than needed", test_size_oldest_first},
	   {"each bound holds for itself", test_both_bounds},
	   {"trials that went wrong go last, by size only", test_bad_trials_last},
	   {"the newest run stays", test_newest},
	   {"the run that latest names stays", test_latest},
	   {"runs that are not finished stay", test_unfinished},
	   {"a run that is under way stays", test_under_way},
	   {"cases, bisections and strangers stay", test_cases_and_others},
	   {"a link in a file's place is left alone", test_linked_file},
	   {"links in folders' places lead nowhere", test_linked_folders},
	   {"files of others stay", test_foreign_files},
	   {"a run's name is never a path", test_wild_id},
	   {"what is gone already", test_gone},
	   {"one failure is told and stops nothing else", test_failure},
	   {"an empty store", test_empty_store},
	   {"a dry run changes nothing and says the same", test_dry_run})
