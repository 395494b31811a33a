/* test_exact_run.c - exact runs of the program with real guests: the same figures
 * wherever they are run, a known slowdown found to the instruction, and a workload
 * that takes something from the host, which the canary betrays.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot_place.h"
#include "files.h"
#include "hash.h"
#include "memory.h"
#include "process.h"
#include "test.h"

#define SLOWDOWN_PERCENT 7

/* One selftest and one filling of huge pages, in a guest of one CPU. */
static struct boot_place exact_place(void)
{
	struct boot_place place = boot_place_make(NULL);

	boot_place_write(&place, "configs/guests/tiny.yaml", "vcpus_count: 1\nmemory_mib: 640\n");
	boot_place_write(&place, "configs/suites/short.yaml",
		    "rows:\n"
		    "  - {workload: selftest, arguments: {rounds: 3}, timeout_s: 30}\n"
		    "  - {workload: hugetlb_fallocate, arguments: {size_mib: 32, rounds: 3}, "
		    "timeout_s: 60}\n");
	return place;
}

/* --- equal ------------------------------------------------------------------------------ */

static const struct stored_trial *find_trial(const struct stored_run *run, uint32_t block,
					     uint32_t variant)
{
	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block == block && run->trials[i].variant == variant)
			return &run->trials[i];
	return NULL;
}

static void load_result(struct run_store *store, const struct stored_trial *trial,
			struct trial_result *ret_result)
{
	struct error err = ERROR_INIT;

	*ret_result = TRIAL_RESULT_INIT;
	if (!trial || !store ||
	    !test_check(!run_store_load_result(store, trial->id, ret_result, &err)))
		fprintf(stderr, "%s\n", err.message);
}

/* To the last bit: samples are doubles that hold whole numbers. */
static void check_same_samples(const struct trial_result *a, const struct trial_result *b)
{
	if (!test_check(a->samples_count == b->samples_count && a->samples_count > 0))
		return;
	for (size_t i = 0; i < a->samples_count; i++) {
		test_check_string(a->samples[i].metric, b->samples[i].metric);
		CU_ASSERT_EQUAL(a->samples[i].row, b->samples[i].row);
		CU_ASSERT_EQUAL(a->samples[i].value, b->samples[i].value);
	}
}

/* Two runs of one campaign in different folders, trial by trial. */
static void check_same_runs(const struct boot_place *a, const struct stored_run *run_a,
			    const struct boot_place *b, const struct stored_run *run_b)
{
	cleanup_store struct run_store *store_a = boot_place_store(a);
	cleanup_store struct run_store *store_b = boot_place_store(b);

	CU_ASSERT_EQUAL(run_a->trials_count, run_b->trials_count);
	for (uint32_t block = 0; block < 2; block++) {
		for (uint32_t variant = 0; variant < 3; variant++) {
			const struct stored_trial *one = find_trial(run_a, block, variant);
			const struct stored_trial *two = find_trial(run_b, block, variant);
			cleanup_result struct trial_result result_a, result_b;

			load_result(store_a, one, &result_a);
			load_result(store_b, two, &result_b);
			/* the canary is with the first seed only */
			if (!test_check(!one == (variant == 2 && block == 1) && !one == !two) ||
			    !one)
				continue;
			CU_ASSERT_PTR_NOT_NULL(one->digest);
			test_check_string(one->digest, two->digest);
			check_same_samples(&result_a, &result_b);
		}
	}
}

/* --- figures ---------------------------------------------------------------------------- */

/* Mean of a metric's samples in a row; NAN without any. */
static double mean_of(const struct trial_result *result, uint32_t row, const char *metric)
{
	double sum = 0;
	size_t count = 0;

	for (size_t i = 0; i < result->samples_count; i++) {
		const struct sample *sample = &result->samples[i];

		if (sample->row != row || strcmp(sample->metric, metric) != 0)
			continue;
		sum += sample->value;
		count++;
	}
	return count ? sum / (double)count : NAN;
}

/* A loop of a million turns, a few instructions each, longer by a known share; all
 * around it is the same to the instruction. */
static void check_slowdown(const struct boot_place *place, const struct stored_run *run)
{
	cleanup_store struct run_store *store = boot_place_store(place);

	for (uint32_t block = 0; block < 2; block++) {
		cleanup_result struct trial_result fast, slow;
		double before, after;

		load_result(store, find_trial(run, block, 0), &fast);
		load_result(store, find_trial(run, block, 1), &slow);
		before = mean_of(&fast, 0, "user_instructions");
		after = mean_of(&slow, 0, "user_instructions");
		CU_ASSERT_TRUE(before > 1e6);
		CU_ASSERT_TRUE(fabs(after / before - 1 - SLOWDOWN_PERCENT / 100.0) < 0.0005);
		CU_ASSERT_TRUE(mean_of(&slow, 0, "work_instructions") >
			       mean_of(&fast, 0, "work_instructions"));
		before = mean_of(&fast, 1, "user_instructions");
		CU_ASSERT_TRUE(before > 0);
		CU_ASSERT_EQUAL(mean_of(&slow, 1, "user_instructions"), before);
		CU_ASSERT_TRUE(mean_of(&fast, 1, "kernel_instructions") > before);
	}
}

/* --- what is kept ------------------------------------------------------------------------- */

/* The value of a line of the fingerprint; owned; NULL if it has none. */
static char *fingerprint_value(const struct stored_trial *trial, const char *key)
{
	cleanup_free char *start = string_format("\n%s=", key);
	const char *line = strstr(trial->fingerprint, start);

	if (!test_check(line != NULL))
		return NULL;
	line += strlen(start);
	return string_copy_n(line, strcspn(line, "\n"));
}

static void check_fingerprint(const struct stored_run *run)
{
	const char *text = run->trials[0].fingerprint;

	test_check_contains(text, "\nmode=exact\n");
	test_check_contains(text, "\nexact.shift=3\n");
	test_check_contains(text, "\nexact.jitter_us=0\n");
	test_check_contains(text, "\nexact.counts=by block\n");
	test_check_contains(text, "\nexact.plugin.count-api1.so=");
	test_check_contains(text, "\nhost.cpu_model=");
}

/* The seed's padding lies in the trial's own archive, beside the plan. */
static void check_padding(const char *plan_path, uint64_t seed)
{
	uint64_t padding_bytes = exact_seed_make(seed).padding_bytes;
	struct stat info;

	if (!test_check(stat(plan_path, &info) == 0))
		return;
	CU_ASSERT_TRUE((uint64_t)info.st_size > padding_bytes);
	CU_ASSERT_TRUE((uint64_t)info.st_size < padding_bytes + 2048);
}

/* All that the trial was made of is still there, and is what it says it is. */
static void check_kept(const struct boot_place *place, const struct stored_run *run)
{
	cleanup_free char *hash = fingerprint_value(&run->trials[0], "guest_image");
	cleanup_free char *common = string_format("%s/%s/initrd/%s.cpio", place->results, run->id,
						  hash ? hash : "");
	char found[SHA256_HEX_SIZE];

	if (test_check(sha256_of_file(common, found) == 0))
		test_check_string(found, hash);
	for (uint32_t i = 0; i < run->trials_count; i++) {
		static const char *const names[] = { "plan.cpio", "console.log", "results.log",
						     "counts" };

		for (size_t j = 0; j < ARRAY_COUNT(names); j++) {
			cleanup_free char *path = string_format("%s/%s/trials/%04u/%s",
								place->results, run->id, i + 1,
								names[j]);

			if (!test_check(path_exists(path)))
				fprintf(stderr, "missing: %s\n", path);
			else if (j == 0)
				check_padding(path, run->trials[i].seed);
		}
	}
}

#define EXACT_VARIANTS                                                         \
	"  - {name: one}\n"                                                       \
	"  - {name: two, cmdline: [kerngate.selftest_slowdown_percent=7]}\n"

static bool run_exact(const struct boot_place *place, struct stored_run *ret_run)
{
	cleanup_program struct program program = PROGRAM_INIT;

	boot_place_write_campaign(place, EXACT_VARIANTS, "mode: exact\nseeds_count: 2\n");
	program = start(place, "run", "small");
	return program_check(&program, 0) && boot_place_load_latest(place, ret_run);
}

static void test_same_everywhere(void)
{
	cleanup_boot_place struct boot_place here = exact_place(), there = exact_place();
	cleanup_run struct stored_run first = { .id = NULL }, second = { .id = NULL };

	if (!run_exact(&here, &first) || !run_exact(&there, &second))
		return;
	CU_ASSERT_EQUAL(first.mode, MODE_EXACT);
	test_check_string(first.state, "finished");
	test_check_string(first.note, NULL);
	CU_ASSERT_EQUAL(first.trials_count, 5);
	for (size_t i = 0; i < first.trials_count; i++) {
		CU_ASSERT_EQUAL(first.trials[i].outcome, OUTCOME_PASSED);
		CU_ASSERT_EQUAL(first.trials[i].seed, 5 + first.trials[i].block);
		CU_ASSERT_FALSE(first.trials[i].disturbed);
	}
	if (!test_check(find_trial(&first, 0, 0) && find_trial(&first, 0, 2)))
		return;
	/* the canary is the baseline; another seed and another kernel are not */
	test_check_string(find_trial(&first, 0, 2)->digest, find_trial(&first, 0, 0)->digest);
	CU_ASSERT_STRING_NOT_EQUAL(find_trial(&first, 1, 0)->digest,
				   find_trial(&first, 0, 0)->digest);
	CU_ASSERT_STRING_NOT_EQUAL(find_trial(&first, 0, 1)->digest,
				   find_trial(&first, 0, 0)->digest);
	check_same_runs(&here, &first, &there, &second);
	check_slowdown(&here, &first);
	check_fingerprint(&first);
	check_kept(&here, &first);
}

/* --- resumed ------------------------------------------------------------------------------ */

static void test_resumed(void)
{
	cleanup_boot_place struct boot_place place = exact_place();
	cleanup_run struct stored_run stopped = { .id = NULL }, whole = { .id = NULL };
	cleanup_program struct program first = PROGRAM_INIT, second = PROGRAM_INIT;

	/* a timed campaign run in exact mode, which the resume must know again */
	boot_place_write_campaign(&place, "  - {name: one}\n", "blocks_count: 2\n");
	first = start(&place, "run", "small", "--mode", "exact", "--seeds", "3");
	CU_ASSERT_TRUE(program_read(&first, "trial 1/4 "));
	if (test_check(first.pid > 1))
		CU_ASSERT_EQUAL(kill(first.pid, SIGINT), 0);
	program_check(&first, 130);
	if (!boot_place_load_latest(&place, &stopped))
		return;
	test_check_string(stopped.state, "interrupted");
	second = start(&place, "run", "--resume");
	if (!program_check(&second, 0) || !boot_place_load_latest(&place, &whole))
		return;
	test_check_string(whole.state, "finished");
	test_check_string(whole.note, NULL);
	CU_ASSERT_EQUAL(whole.mode, MODE_EXACT);
	CU_ASSERT_EQUAL(whole.trials_count, 4);
	for (size_t i = 0; i < whole.trials_count; i++) {
		CU_ASSERT_EQUAL(whole.trials[i].outcome, OUTCOME_PASSED);
		CU_ASSERT_EQUAL(whole.trials[i].seed, 5 + whole.trials[i].block);
		if (stopped.trials[i].digest)
			test_check_string(whole.trials[i].digest, stopped.trials[i].digest);
	}
	if (test_check(find_trial(&whole, 0, 0) && find_trial(&whole, 0, 1)))
		test_check_string(find_trial(&whole, 0, 1)->digest,
				  find_trial(&whole, 0, 0)->digest);
}

/* --- not exact ---------------------------------------------------------------------------- */

/* A QEMU, first in PATH, that gives exact guests a source of the host's random
 * numbers. */
static char *random_qemu(const struct boot_place *place)
{
	cleanup_free char *real = process_find_program("qemu-system-x86_64");
	cleanup_free char *folder = path_join(place->folder, "bin");
	cleanup_free char *path = path_join(folder, "qemu-system-x86_64");
	cleanup_free char *text = string_format(
		"#!/bin/sh\n"
		"case \"$*\" in *-icount*) set -- \"$@\" -object "
		"rng-random,id=host0,filename=/dev/urandom -device virtio-rng-pci,rng=host0;; "
		"esac\nexec %s \"$@\"\n", real ? real : "");

	CU_ASSERT_PTR_NOT_NULL(real);
	CU_ASSERT_EQUAL(folder_make(folder), 0);
	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0755), 0);
	return take_pointer(folder);
}

static void check_inexact(const struct stored_run *run)
{
	test_check_string(run->state, "finished");
	/* baseline, canary, and the canary once more: all three differ */
	if (!test_check(run->trials_count == 3))
		return;
	CU_ASSERT_EQUAL(run->trials[2].attempt, 1);
	CU_ASSERT_EQUAL(run->trials[2].seed, run->trials[0].seed);
	for (size_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(run->trials[i].outcome, OUTCOME_PASSED);
		CU_ASSERT_STRING_NOT_EQUAL(run->trials[i].digest,
					   run->trials[(i + 1) % 3].digest);
	}
	test_check_contains(run->note, "tiny/short, seed 5: not exact: trials 1, 2 and 3 should "
				       "be the same bytes and all differ (the first difference: "
				       "console.log, line ");
	test_check_contains(run->note, "wall-clock time and random ids read by selftest");
}

static void test_unrepeatable(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_program struct program program = PROGRAM_INIT;
	cleanup_free char *folder = random_qemu(&place);
	cleanup_free char *before = string_copy(getenv("PATH"));
	cleanup_free char *path = string_format("%s:%s", folder, before ? before : "/usr/bin");

	boot_place_write_campaign(&place,
			     "  - {name: one, cmdline: [kerngate.selftest_act=unrepeatable]}\n",
			     "mode: exact\nseeds_count: 1\n");
	setenv("PATH", path, 1);
	program = start(&place, "run", "small");
	setenv("PATH", before ? before : "/usr/bin", 1);
	if (!program_check(&program, 0) || !boot_place_load_latest(&place, &run))
		return;
	check_inexact(&run);
	test_check_contains(program.text.data, "not exact: trials ");
}

TEST_SUITE("exact_run",
	   {"the same everywhere", test_same_everywhere},
	   {"stopped and resumed", test_resumed},
	   {"a workload that cannot be repeated", test_unrepeatable})
