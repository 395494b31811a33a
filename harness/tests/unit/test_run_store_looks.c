/* test_run_store_looks.c - looks of a run, stored and read back. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "run_store_private.h"
#include "sample_run.h"
#include "sequential.h"
#include "test.h"

/* A run of six blocks with looks after two, four and six. */
static struct stored_run looking_run(void)
{
	struct stored_run run = sample_run(6, 1);

	run.looks_count = 3;
	run.looks = memory_alloc_array(3, sizeof(*run.looks));
	for (uint32_t i = 0; i < 3; i++)
		run.looks[i] = (struct stored_look){ .blocks = 2 * (i + 1), .alpha = NAN };
	return run;
}

static bool load(struct run_store *store, const char *id, struct stored_run *ret_run)
{
	struct error err = ERROR_INIT;
	int rc = run_store_load(store, id, ret_run, &err);

	test_check_string(err.message, "");
	return !rc;
}

static void test_kept(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = looking_run(), planned = { .id = NULL },
				      taken = { .id = NULL };
	struct stored_look look = { .taken_wall_ns = 77, .alpha = 0.0125, .open_count = 3,
				    .stopped = true };
	struct error err = ERROR_INIT;

	if (!store || !sample_store_begin(store, &run) || !load(store, run.id, &planned) ||
	    !test_check(planned.looks_count == 3))
		return;
	for (uint32_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(planned.looks[i].blocks, 2 * (i + 1));
		CU_ASSERT_EQUAL(planned.looks[i].taken_wall_ns, 0);
		CU_ASSERT_TRUE(isnan(planned.looks[i].alpha));
		CU_ASSERT_FALSE(planned.looks[i].stopped);
	}
	CU_ASSERT_EQUAL(run_store_set_look(store, run.id, 0, &look, &err), 0);
	if (!load(store, run.id, &taken) || !test_check(taken.looks_count == 3))
		return;
	CU_ASSERT_EQUAL(taken.looks[0].blocks, 2);
	CU_ASSERT_EQUAL(taken.looks[0].taken_wall_ns, 77);
	CU_ASSERT_EQUAL(taken.looks[0].alpha, 0.0125);
	CU_ASSERT_EQUAL(taken.looks[0].open_count, 3);
	CU_ASSERT_TRUE(taken.looks[0].stopped);
	CU_ASSERT_EQUAL(taken.looks[1].taken_wall_ns, 0);
	CU_ASSERT_EQUAL(run_store_set_look(store, run.id, 3, &look, &err), -ENOENT);
	test_check_contains(err.message, "has no look 4 in run ");
}

static void test_none(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1), loaded = { .id = NULL };

	if (store && sample_store_begin(store, &run) && load(store, run.id, &loaded))
		CU_ASSERT_EQUAL(loaded.looks_count, 0);
}

static void check_refused(const char *sql, const char *part)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = looking_run(), loaded = { .id = NULL };
	struct error err = ERROR_INIT;

	if (!store || !sample_store_begin(store, &run))
		return;
	CU_ASSERT_EQUAL(store_execute(store, sql, &err), 0);
	CU_ASSERT_EQUAL(run_store_load(store, run.id, &loaded, &err), -EUCLEAN);
	test_check_contains(err.message, part);
	CU_ASSERT_PTR_NULL(loaded.id);
}

static void test_refused(void)
{
	check_refused("UPDATE looks SET blocks = 2 WHERE look = 1", "look 2 of run ");
	check_refused("UPDATE looks SET blocks = -1 WHERE look = 0",
		      "after -1 blocks, does not follow the one before it");
	check_refused("UPDATE looks SET blocks = 4294967297 WHERE look = 2", "look 3 of run ");
	check_refused("UPDATE looks SET taken_wall_ns = 5 WHERE look = 1", "look 2 of run ");
	check_refused("WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n"
		      " WHERE i < 20) INSERT INTO looks (run, look, blocks)"
		      " SELECT 1, i, 10 + i FROM n", "has more than 20 looks");
}

TEST_SUITE("run_store_looks",
	   {"kept with the run", test_kept},
	   {"a run without", test_none},
	   {"refuses what cannot be", test_refused})
