/* Tests of engine/replay_difference.c: where two trials part. */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "replay_private.h"
#include "test.h"

/* --- the first difference ----------------------------------------------------------- */

/* A new folder with the files of a trial; NULL: without that file. */
static char *make_folder(const char *console, const char *results, const char *counts)
{
	const char *const texts[] = { console, results, counts };
	static const char *const names[] = { "console.log", "results.log", "counts" };
	char *folder = string_copy(test_temp_folder());

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		cleanup_free char *path = path_join(folder, names[i]);

		if (texts[i])
			CU_ASSERT_EQUAL(file_write_atomic(path, texts[i], strlen(texts[i]), 0644),
					0);
	}
	return folder;
}

/* Checks what is said of two trials that differ as their files do. */
static void check_difference(const char *const a[3], const char *const b[3],
			     const char *expected)
{
	cleanup_free char *folder_a = make_folder(a[0], a[1], a[2]);
	cleanup_free char *folder_b = make_folder(b[0], b[1], b[2]);
	int code = 1;
	cleanup_free char *difference = replay_first_difference(folder_a, folder_b, &code);

	CU_ASSERT_EQUAL(code, 0);
	test_check_string(difference, expected);
}

#define TRIAL(...) ((const char *const[3]){ __VA_ARGS__ })

static void test_finds_none_between_equals(void)
{
	check_difference(TRIAL("one\ntwo\n", "r\n", NULL), TRIAL("one\ntwo\n", "r\n", NULL), NULL);
	check_difference(TRIAL("", "", NULL), TRIAL("", "", NULL), NULL);
	check_difference(TRIAL("c\n", "r\n", "region 3 0 1 2\ntotal 7 8\n"),
			 TRIAL("c\n", "r\n", "region 3 0 1 2\ntotal 9 9\n"), NULL);
}

static void test_names_line_and_texts(void)
{
	check_difference(TRIAL("one\ntwo\n", "r\n", NULL), TRIAL("one\ntWo\n", "r\n", NULL),
			 "console.log, line 2: \"two\" and \"tWo\"");
	check_difference(TRIAL("one\n", "a\nb\n", NULL), TRIAL("one\n", "a\nc\n", NULL),
			 "results.log, line 2: \"b\" and \"c\"");
	/* the console is said first: it is what people read */
	check_difference(TRIAL("x\n", "a\n", NULL), TRIAL("y\n", "b\n", NULL),
			 "console.log, line 1: \"x\" and \"y\"");
}

static void test_compares_regions_of_counts(void)
{
	check_difference(TRIAL("c\n", "r\n", "head\nregion 3 0 5 2\n"),
			 TRIAL("c\n", "r\n", "head\nregion 3 0 6 2\n"),
			 "counts, line 2: \"region 3 0 5 2\" and \"region 3 0 6 2\"");
	check_difference(TRIAL("c\n", "r\n", "region 3 0 5 2\n"), TRIAL("c\n", "r\n", ""),
			 "counts, line 1: \"region 3 0 5 2\" and its end");
}

static void test_tells_ends(void)
{
	check_difference(TRIAL("one\ntwo\n", "r\n", NULL), TRIAL("one\n", "r\n", NULL),
			 "console.log, line 2: \"two\" and its end");
	check_difference(TRIAL("one\n", "r\n", NULL), TRIAL("one\ntwo\n", "r\n", NULL),
			 "console.log, line 2: its end and \"two\"");
	check_difference(TRIAL("one", "r\n", NULL), TRIAL("one\n", "r\n", NULL),
			 "console.log, line 1: \"one\" cut off and \"one\"");
	check_difference(TRIAL("one\n", "r\n", NULL), TRIAL("one", "r\n", NULL),
			 "console.log, line 1: \"one\" and \"one\" cut off");
}

static void test_shows_long_and_odd_lines_around_the_difference(void)
{
	char a[400], b[400], expected[512];

	memset(a, 'x', sizeof(a));
	a[sizeof(a) - 1] = '\0';
	memcpy(b, a, sizeof(b));
	b[200] = '\x1b';
	snprintf(expected, sizeof(expected),
		 "console.log, line 1: \"...%.72s...\" and \"...%.24s\\x1b%.47s...\"", a, a, a);
	check_difference(TRIAL(a, "", NULL), TRIAL(b, "", NULL), expected);
}

static void test_says_where_counts_are_missing(void)
{
	cleanup_free char *a = make_folder("c\n", "r\n", NULL);
	cleanup_free char *b = make_folder("c\n", "r\n", "region 3 0 1 2\n");
	cleanup_free char *expected = string_format("counts: only in %s", b);
	int code = 1;
	cleanup_free char *forth = replay_first_difference(a, b, &code);
	cleanup_free char *back = replay_first_difference(b, a, &code);

	CU_ASSERT_EQUAL(code, 0);
	test_check_string(forth, expected);
	test_check_string(back, expected);
}

static void test_fails_without_the_ports_files(void)
{
	cleanup_free char *whole = make_folder("c\n", "r\n", NULL);
	cleanup_free char *cut = make_folder("c\n", NULL, NULL);
	int code = 0;

	CU_ASSERT_PTR_NULL(replay_first_difference(whole, cut, &code));
	CU_ASSERT_EQUAL(code, -ENOENT);
	code = 0;
	CU_ASSERT_PTR_NULL(replay_first_difference(cut, cut, &code));
	CU_ASSERT_EQUAL(code, -ENOENT);
	code = 0;
	CU_ASSERT_PTR_NULL(replay_first_difference("/nowhere", whole, &code));
	CU_ASSERT_EQUAL(code, -ENOENT);
}

static void check_played(const char *first, const char *played, const char *expected)
{
	cleanup_free char *a = make_folder(first, "r\n", NULL);
	cleanup_free char *b = make_folder(played, "r\n", NULL);
	int code = 1;
	cleanup_free char *difference = replay_played_difference(a, b, &code);

	CU_ASSERT_EQUAL(code, 0);
	test_check_string(difference, expected);
}

/* QEMU plays the end of a guest a little early: what it played must be a beginning. */
static void test_lets_a_played_console_end_early(void)
{
	cleanup_free char *whole = make_folder("one\n", "r\nend\n", NULL);
	cleanup_free char *cut = make_folder("one\n", "r\n", NULL);
	int code = 1;
	cleanup_free char *difference = replay_played_difference(whole, cut, &code);

	test_check_string(difference, "results.log, line 2: \"end\" and its end");
	check_played("one\ntwo\n", "one\ntwo\n", NULL);
	check_played("one\ntwo\n", "one\n", NULL);
	check_played("one\ntwo\n", "one\ntw", NULL);
	check_played("one\ntwo\n", "", NULL);
	check_played("one\ntwo\n", "one\ntx", "console.log, line 2: \"two\" and \"tx\"");
	check_played("one\ntwo\n", "one\ntwo\nthree\n",
		     "console.log, line 3: its end and \"three\"");
	check_played("one\ntwo\n", "one\ntwoo", "console.log, line 2: \"two\" and \"twoo\"");
	check_played("one\ntwo\n", "One\n", "console.log, line 1: \"one\" and \"One\"");
}

static void check_shapes(const char *a, const char *b, const char *expected)
{
	const char *texts[] = { a, b };
	char *folders[2];
	cleanup_free char *difference = NULL;

	for (size_t i = 0; i < 2; i++) {
		cleanup_free char *path = NULL;

		folders[i] = make_folder("", "", NULL);
		path = path_join(folders[i], "domain.xml");
		if (texts[i])
			CU_ASSERT_EQUAL(file_write_atomic(path, texts[i], strlen(texts[i]), 0644), 0);
	}
	difference = replay_shape_difference(folders[0], folders[1]);
	test_check_string(difference, expected);
	free(folders[0]);
	free(folders[1]);
}

static void test_tells_how_guests_are_made_otherwise(void)
{
	check_shapes("<name>a</name>\n<vcpu>1</vcpu>\n<source path='/a'/>\n",
		     "<name>b</name>\n<vcpu>1</vcpu>\n<source path='/b'/>\n", NULL);
	check_shapes("<name>a</name>\n<vcpu>1</vcpu>\n", "<name>b</name>\n<vcpu>2</vcpu>\n",
		     "domain.xml, line 2: \"<vcpu>1</vcpu>\" and \"<vcpu>2</vcpu>\"");
	check_shapes("<vcpu>1</vcpu>\n", NULL, NULL);
}

TEST_SUITE("replay",
	   {"finds no difference between equals", test_finds_none_between_equals},
	   {"names line and texts", test_names_line_and_texts},
	   {"compares the regions of counts", test_compares_regions_of_counts},
	   {"tells ends", test_tells_ends},
	   {"shows long and odd lines around the difference",
	    test_shows_long_and_odd_lines_around_the_difference},
	   {"says where counts are missing", test_says_where_counts_are_missing},
	   {"fails without the ports' files", test_fails_without_the_ports_files},
	   {"lets a played console end early", test_lets_a_played_console_end_early},
	   {"tells how guests are made otherwise", test_tells_how_guests_are_made_otherwise})
