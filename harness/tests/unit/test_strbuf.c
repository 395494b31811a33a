/* test_strbuf.c - growing strings and lists of strings. */
#include "strbuf.h"

#include <string.h>

#include "test.h"

static void test_starts_empty(void)
{
	cleanup_strbuf struct strbuf buf = STRBUF_INIT;

	test_check_string(buf.data, "");
	strbuf_add(&buf, NULL, 0);
	strbuf_cut(&buf, 5);
	strbuf_reset(&buf);
	CU_ASSERT_EQUAL(buf.length, 0);
	CU_ASSERT_EQUAL(buf.capacity, 0);
}

static void test_adds_grow(void)
{
	cleanup_strbuf struct strbuf buf = STRBUF_INIT;

	for (int i = 0; i < 1000; i++)
		strbuf_addf(&buf, "%03d,", i);
	CU_ASSERT_EQUAL(buf.length, 4000);
	CU_ASSERT_EQUAL(strlen(buf.data), 4000);
	CU_ASSERT_NSTRING_EQUAL(buf.data + 3996, "999,", 4);
}

static void test_holds_zero_bytes(void)
{
	cleanup_strbuf struct strbuf buf = STRBUF_INIT;

	strbuf_add(&buf, "a\0b", 3);
	strbuf_addc(&buf, 'c');
	CU_ASSERT_EQUAL(buf.length, 4);
	CU_ASSERT_EQUAL(memcmp(buf.data, "a\0bc", 5), 0);
}

static void test_cut_and_reset(void)
{
	cleanup_strbuf struct strbuf buf = STRBUF_INIT;

	strbuf_adds(&buf, "kernel");
	strbuf_cut(&buf, 100);
	test_check_string(buf.data, "kernel");
	strbuf_cut(&buf, 4);
	test_check_string(buf.data, "kern");
	strbuf_reset(&buf);
	test_check_string(buf.data, "");
	strbuf_adds(&buf, "again");
	test_check_string(buf.data, "again");
}

static void test_detach(void)
{
	struct strbuf buf = STRBUF_INIT;
	cleanup_free char *empty = strbuf_detach(&buf);
	cleanup_free char *text = NULL;

	test_check_string(empty, "");
	strbuf_adds(&buf, "moved");
	text = strbuf_detach(&buf);
	test_check_string(text, "moved");
	CU_ASSERT_EQUAL(buf.capacity, 0);
	test_check_string(buf.data, "");
}

static void test_xml(void)
{
	cleanup_strbuf struct strbuf buf = STRBUF_INIT;

	strbuf_add_xml(&buf, "a<b>&\"c'");
	test_check_string(buf.data, "a&lt;b&gt;&amp;&quot;c&apos;");
}

static void test_vec_terminated(void)
{
	cleanup_strvec struct strvec vec = STRVEC_INIT;
	const char *const more[] = { "x", "y", NULL };

	for (int i = 0; i < 100; i++) {
		strvec_pushf(&vec, "%d", i);
		CU_ASSERT_PTR_NULL(vec.items[vec.count]);
	}
	strvec_push_all(&vec, more);
	CU_ASSERT_EQUAL(vec.count, 102);
	test_check_string(vec.items[101], "y");
	CU_ASSERT_PTR_NULL(vec.items[102]);
}

static void test_vec_contains(void)
{
	cleanup_strvec struct strvec vec = STRVEC_INIT;

	CU_ASSERT_FALSE(strvec_contains(&vec, "a"));
	strvec_push(&vec, "ab");
	CU_ASSERT_TRUE(strvec_contains(&vec, "ab"));
	CU_ASSERT_FALSE(strvec_contains(&vec, "a"));
	CU_ASSERT_FALSE(strvec_contains(&vec, "abc"));
}

static void test_vec_copy_replaces(void)
{
	cleanup_strvec struct strvec from = STRVEC_INIT, to = STRVEC_INIT;

	strvec_push(&to, "old");
	strvec_push(&from, "new");
	strvec_copy(&to, &from);
	CU_ASSERT_EQUAL(to.count, 1);
	test_check_string(to.items[0], "new");
	CU_ASSERT_PTR_NOT_EQUAL(to.items[0], from.items[0]);
	strvec_copy(&to, &to);
	test_check_string(to.items[0], "new");
}

static void test_vec_sort(void)
{
	cleanup_strvec struct strvec vec = STRVEC_INIT;

	strvec_sort(&vec);
	strvec_push(&vec, "b");
	strvec_push(&vec, "a10");
	strvec_push(&vec, "B");
	strvec_sort(&vec);
	test_check_string(vec.items[0], "B");
	test_check_string(vec.items[1], "a10");
	test_check_string(vec.items[2], "b");
}

TEST_SUITE("strbuf",
	   {"starts empty", test_starts_empty},
	   {"adds grow", test_adds_grow},
	   {"holds zero bytes", test_holds_zero_bytes},
	   {"cut and reset", test_cut_and_reset},
	   {"detach hands over", test_detach},
	   {"XML is escaped", test_xml},
	   {"list is NULL-terminated", test_vec_terminated},
	   {"list contains whole strings", test_vec_contains},
	   {"copy replaces", test_vec_copy_replaces},
	   {"sort", test_vec_sort})
