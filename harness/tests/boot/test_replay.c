/* test_replay.c - trials of exact runs that happen again: byte for byte, under gdb
 * where they went wrong and before markers, on another kernel, and with a profile
 * of their functions. The program runs as people run it.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot_place.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "test.h"

#define DIES "  - {name: dies, cmdline: [kerngate.selftest_act=panic]}\n"
#define TWO_THAT_DO_NOT                                                        \
	DIES "  - {name: fails, cmdline: [kerngate.selftest_act=fail]}\n"
#define TWO_THAT_PASS                                                          \
	"  - {name: one}\n"                                                       \
	"  - {name: slow, cmdline: [kerngate.selftest_slowdown_percent=7]}\n"

/* Two rows in a guest of so many CPUs; one seed of every variant is run. */
static bool run_past(const struct boot_place *place, unsigned int vcpus_count,
		     const char *variants, struct stored_run *ret_run)
{
	cleanup_program struct program program = PROGRAM_INIT;
	cleanup_free char *guest = string_format("vcpus_count: %u\nmemory_mib: 256\n",
						 vcpus_count);

	boot_place_write(place, "configs/guests/tiny.yaml", guest);
	boot_place_write(place, "configs/suites/short.yaml",
			 "rows:\n"
			 "  - {name: first, workload: selftest, arguments: {rounds: 2}, timeout_s: 30}\n"
			 "  - {name: second, workload: selftest, arguments: {rounds: 3}, timeout_s: 30}\n");
	boot_place_write_campaign(place, variants,
				  "mode: exact\nseeds_count: 1\nrepeats_max: 0\n");
	program = start(place, "run", "small");
	return program_check(&program, 0) && boot_place_load_latest(place, ret_run);
}

/* A past that the tests of one CPU share: none of them changes it for good. NULL if it
 * could not be had. */
struct past {
	struct boot_place place;
	struct stored_run run;
	bool is_tried, is_there;
};

static struct past *shared_past(void)
{
	static struct past past;

	if (!past.is_tried) {
		past.is_tried = true;
		past.place = boot_place_make(NULL);
		past.is_there = run_past(&past.place, 1, TWO_THAT_PASS TWO_THAT_DO_NOT, &past.run);
	}
	return test_check(past.is_there) ? &past : NULL;
}

static bool has_gdb(void)
{
	cleanup_free char *gdb = process_find_program("gdb");

	return gdb != NULL;
}

/* "latest/N" of the variant's first trial; owned. */
static char *trial_of(const struct stored_run *run, const char *variant)
{
	for (size_t i = 0; i < run->trials_count; i++)
		if (strcmp(run->variants[run->trials[i].variant].label, variant) == 0)
			return string_format("latest/%u", run->trials[i].order + 1);
	CU_FAIL("no such variant");
	return string_copy("latest/0");
}

/* Runs the program with `replay TRIAL` and further arguments; its text. */
static char *replay(const struct boot_place *place, const char *trial, int expected,
		    const char *const *more)
{
	cleanup_strvec struct strvec argv = STRVEC_INIT;
	cleanup_program struct program program = PROGRAM_INIT;

	strvec_push(&argv, "replay");
	strvec_push(&argv, trial);
	strvec_push_all(&argv, more);
	program = boot_place_start(place, (const char *const *)argv.items);
	program_check(&program, expected);
	return string_copy(program.text.data);
}

#define REPLAY(place, trial, expected, ...)                                    \
	replay(place, trial, expected, (const char *const[]){ __VA_ARGS__, NULL })

static char *read_file(const char *folder, const char *name)
{
	cleanup_free char *path = path_join(folder, name);
	char *text = NULL;

	if (!test_check(file_read(path, 1 << 24, &text, NULL) == 0))
		fprintf(stderr, "unreadable: %s\n", path);
	return text ? text : string_copy("");
}

/* --- again -------------------------------------------------------------------------------- */

static void check_again(const struct boot_place *place, const struct stored_run *run,
			const char *variant, const char *outcome)
{
	cleanup_free char *trial = trial_of(run, variant);
	cleanup_free char *keep = path_join(place->folder, variant);
	cleanup_free char *text = REPLAY(place, trial, 0, "--keep", keep);
	cleanup_free char *then_folder = string_format("%s/%s/trials/%04d", place->results,
						       run->id, atoi(trial + 7));
	cleanup_free char *then = read_file(then_folder, "console.log");
	cleanup_free char *now = read_file(keep, "console.log");
	cleanup_free char *initrd = path_join(keep, "initrd.cpio");

	test_check_contains(text, outcome);
	test_check_contains(text, " bytes, identical; results: ");
	test_check_contains(text, " bytes, identical; digest ");
	CU_ASSERT_TRUE(strlen(now) > 1000);
	test_check_string(now, then);
	CU_ASSERT_FALSE(path_exists(initrd));
}

/* A byte of what was kept is changed: the comparison is no formality. */
static void check_difference(const struct boot_place *place, const struct stored_run *run)
{
	cleanup_free char *trial = trial_of(run, "one");
	cleanup_free char *folder = string_format("%s/%s/trials/%04d", place->results, run->id,
						  atoi(trial + 7));
	cleanup_free char *console = read_file(folder, "console.log");
	cleanup_free char *path = path_join(folder, "console.log"), *text = NULL;
	char *word = strstr(console, "Linux version");

	if (!test_check(word != NULL))
		return;
	*word = 'l';
	CU_ASSERT_EQUAL(file_write_atomic(path, console, strlen(console), 0644), 0);
	text = REPLAY(place, trial, 1, "--quiet");
	test_check_contains(text, "\ndifferent: console.log, line ");
	test_check_contains(text, "linux version");
	test_check_contains(text, "\" and \"");
	*word = 'L';
	CU_ASSERT_EQUAL(file_write_atomic(path, console, strlen(console), 0644), 0);
}

/* What must not be changed is named where it is. */
static void check_refusals(const struct boot_place *place, const struct stored_run *run)
{
	cleanup_free char *trial = trial_of(run, "one"), *other = NULL, *gone = NULL;
	cleanup_free char *folder = string_format("%s/%s/initrd", place->results, run->id);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_free char *path = NULL, *away = NULL, *changed = NULL;

	other = REPLAY(place, trial, 2, "--connect", "test:///default");
	test_check_contains(other, ": the hypervisor was libvirt ");
	if (!test_check(folder_list(folder, &names) == 0 && names.count == 1))
		return;
	path = path_join(folder, names.items[0]);
	away = string_format("%s.away", path);
	CU_ASSERT_EQUAL(rename(path, away), 0);
	gone = REPLAY(place, trial, 2, "--quiet");
	test_check_contains(gone, "the cell's initramfs is gone");
	CU_ASSERT_EQUAL(file_write_atomic(path, "070701", 6, 0644), 0);
	changed = REPLAY(place, trial, 2, "--quiet");
	test_check_contains(changed, "it would be another world");
	CU_ASSERT_EQUAL(rename(away, path), 0);
}

static void test_happens_again(void)
{
	struct past *past = shared_past();

	if (!past)
		return;
	check_again(&past->place, &past->run, "one", "\nnow:  passed\n");
	check_again(&past->place, &past->run, "dies", "\nnow:  crashed: Kernel panic: sysrq triggered crash\n");
	check_again(&past->place, &past->run, "fails", "\nnow:  failed: ");
	check_difference(&past->place, &past->run);
	check_refusals(&past->place, &past->run);
}

/* --- gdb -------------------------------------------------------------------------------------- */

/* The panic's call chain, through the kernel's entry into the program that caused
 * it; and the guest that went on is the same to the byte. */
static void check_panic(const struct boot_place *place, const struct stored_run *run)
{
	static const char *const functions[] = {
		" in vpanic ()", " in sysrq_handle_crash ()", " in __handle_sysrq ()",
		" in vfs_write ()", " in do_syscall_64 ()", " in act_panic () at ",
		" main (argc=",
	};
	cleanup_free char *trial = trial_of(run, "dies");
	cleanup_free char *text = REPLAY(place, trial, 0, "--gdb");
	const char *at = strstr(text, "\nstopped: at the finding (panic)\n");

	if (!test_check(at != NULL))
		fprintf(stderr, "%s\n", text);
	for (size_t i = 0; at && i < ARRAY_COUNT(functions); i++) {
		at = strstr(at, functions[i]);
		if (!test_check(at != NULL))
			fprintf(stderr, "not there, or not in this order: %s\n%s\n", functions[i],
				text);
	}
	test_check_contains(text, " bytes, identical; digest ");
	CU_ASSERT_PTR_NULL(strstr(text, "went on otherwise"));
}

/* A row that failed is over: its outcome has been said, the next has not begun. */
static void check_failure(const struct boot_place *place, const struct stored_run *run)
{
	cleanup_free char *trial = trial_of(run, "fails");
	cleanup_free char *keep = path_join(place->folder, "gdb-fails");
	cleanup_free char *command = string_format("shell cat %s/debugged/results.log", keep);
	cleanup_free char *text = REPLAY(place, trial, 0, "--gdb", "--keep", keep,
					 "--gdb-command", command, "--gdb-command",
					 "echo over and out\\n");

	test_check_contains(text, "\nstopped: row 1 (first) is over\n");
	test_check_contains(text, "{\"row\":0,\"outcome\":\"failed\"");
	CU_ASSERT_PTR_NULL(strstr(text, "{\"row\":1,"));
	test_check_contains(text, "over and out\n");
	CU_ASSERT_PTR_NULL(strstr(text, "went on otherwise"));
}

static void test_stops_where_it_went_wrong(void)
{
	struct past *past = shared_past();

	if (!has_gdb()) {
		test_skip("gdb is not on this host (Debian package gdb)");
		return;
	}
	if (!past)
		return;
	check_panic(&past->place, &past->run);
	check_failure(&past->place, &past->run);
}

/* Stops before a marker, where these words stand and those do not; the guest goes
 * on as if nothing had been. */
static void check_until(const struct boot_place *place, const char *trial, const char *until,
			const char *stopped, const char *said, const char *unsaid)
{
	cleanup_free char *keep = path_join(place->folder, until);
	cleanup_free char *command = string_format("shell cat %s/debugged/results.log", keep);
	cleanup_free char *text = REPLAY(place, trial, 0, "--until", until, "--keep", keep,
					 "--gdb-command", command, "--gdb-command", "backtrace");
	cleanup_free char *first = read_file(keep, "results.log"), *played = NULL;
	cleanup_free char *second = path_join(keep, "debugged");

	test_check_contains(text, stopped);
	test_check_contains(text, said);
	if (!test_check(!strstr(text, unsaid)))
		fprintf(stderr, "%s says %s\n", until, unsaid);
	CU_ASSERT_PTR_NULL(strstr(text, "went on otherwise"));
	played = read_file(second, "results.log");
	test_check_string(played, first);
}

static void test_stops_before_markers(void)
{
	struct past *past = shared_past();
	cleanup_free char *trial = NULL, *never = NULL, *none = NULL;

	if (!has_gdb()) {
		test_skip("gdb is not on this host (Debian package gdb)");
		return;
	}
	if (!past)
		return;
	trial = trial_of(&past->run, "one");
	check_until(&past->place, trial, "row:2", "\nstopped: before row 2 (second)\n",
		    "{\"row\":0,\"outcome\":\"passed\"}", "{\"row\":1,");
	check_until(&past->place, trial, "round:second.3",
		    "\nstopped: before round 3 of row 2 (second)\n", "run_round (round=",
		    "{\"row\":1,\"outcome\"");
	check_until(&past->place, trial, "end", "\nstopped: row 2 (second) is over\n",
		    "{\"row\":1,\"outcome\":\"passed\"}", " end {");
	never = REPLAY(&past->place, trial, 2, "--until", "region:3:99");
	test_check_contains(never, "the guest ended and was never there: before visit 99 of "
			    "region 3");
	none = REPLAY(&past->place, trial, 2, "--until", "region:99");
	test_check_contains(none, "no program of this trial has a marker of region 99");
}

/* CPUs that take turns: the same, until a debugger has stopped them. */
static void test_several_vcpus(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_free char *trial = NULL, *text = NULL;

	if (!run_past(&place, 2, "  - {name: one}\n" DIES, &run))
		return;
	check_again(&place, &run, "one", "\nnow:  passed\n");
	trial = trial_of(&run, "dies");
	if (!has_gdb())
		return;
	text = REPLAY(&place, trial, 0, "--gdb");
	test_check_contains(text, "\nstopped: at the finding (panic)\n");
	test_check_contains(text, " in act_panic () at ");
	test_check_contains(text, " bytes, identical; digest ");
}

/* --- another kernel ------------------------------------------------------------------------------ */

static void test_on_another_kernel(void)
{
	struct past *past = shared_past();
	cleanup_free char *bad = NULL, *good = NULL, *there = NULL, *as_before = NULL;
	cleanup_free char *unknown = NULL, *no_series = NULL;

	if (!past)
		return;
	bad = trial_of(&past->run, "dies");
	good = trial_of(&past->run, "one");
	/* no kernel mends what the command line asks for */
	there = REPLAY(&past->place, bad, 1, "--kernel", "one");
	test_check_contains(there, ": what went wrong is still there\n");
	as_before = REPLAY(&past->place, good, 0, "--kernel", "slow@small");
	test_check_contains(as_before, ": nothing goes wrong, as before\n");
	unknown = REPLAY(&past->place, good, 2, "--kernel", "sloow");
	test_check_contains(unknown, "slow");
	no_series = REPLAY(&past->place, good, 2, "--series", "no-such");
	test_check_contains(no_series, "--series no-such: expected a folder with a file "
			    "\"series\"");
}

/* --- a profile ------------------------------------------------------------------------------------- */

static double function_change(const json_t *profile, const char *name)
{
	const json_t *functions = json_object_get(profile, "functions"), *function;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)functions, index, function) {
		if (strcmp(json_string_value(json_object_get(function, "name")), name) == 0)
			return json_number_value(json_object_get(function, "after")) -
			       json_number_value(json_object_get(function, "before"));
	}
	return 0;
}

/* 7 % of a million turns of three instructions, all of them in user space. */
static void check_profile(const struct boot_place *place, const struct stored_run *run)
{
	cleanup_free char *folder = string_format("%s/%s/profiles", place->results, run->id);
	cleanup_free char *text = read_file(folder, "slow-tiny-short-second-seed5.json");
	json_t *profile = json_loads(text, 0, NULL);

	if (!test_check(profile != NULL))
		return;
	test_check_string(json_string_value(json_object_get(json_object_get(profile, "before"),
							    "variant")), "one");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_object_get(profile, "after"),
							   "visits")), 3);
	CU_ASSERT_TRUE(function_change(profile, "[user]") >= 0.0695 * 3e6);
	CU_ASSERT_TRUE(function_change(profile, "[user]") <= 0.0705 * 3e6);
	json_decref(profile);
}

static void test_profile(void)
{
	struct past *past = shared_past();
	cleanup_program struct program program = PROGRAM_INIT, unclear = PROGRAM_INIT;

	if (!past)
		return;
	program = start(&past->place, "profile", "latest", "--variant", "slow", "--row", "second",
			"--top", "3");
	if (!program_check(&program, 0))
		return;
	test_check_contains(program.text.data, "\nafter      slow (trial ");
	test_check_contains(program.text.data, "\ncounted    whole rounds, 3 visits before, 3 after");
	test_check_contains(program.text.data, "\nmore\n[user] ");
	check_profile(&past->place, &past->run);
	unclear = start(&past->place, "profile", "latest");
	program_check(&unclear, 2);
	test_check_contains(unclear.text.data, "several variants: choose one of slow, dies, fails");
}

TEST_SUITE("replay",
	   {"happens again", test_happens_again},
	   {"stops where it went wrong", test_stops_where_it_went_wrong},
	   {"stops before markers", test_stops_before_markers},
	   {"several vCPUs", test_several_vcpus},
	   {"on another kernel", test_on_another_kernel},
	   {"profile", test_profile})
