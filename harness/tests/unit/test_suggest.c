/* test_suggest.c - did you mean ...? */
#include "suggest.h"

#include "test.h"

static const char *const commands[] = {
	"doctor", "build", "run", "compare", "list", "show", "boot", "cache",
};

static void expect(const char *word, const char *nearest)
{
	test_check_string(suggest_nearest(word, commands, ARRAY_COUNT(commands)),
			  nearest);
}

static void test_finds(void)
{
	expect("build", "build");
	expect("biuld", "build");
	expect("compar", "compare");
	expect("comparre", "compare");
	expect("DOCTOR", "doctor");
	expect("docter", "doctor");
	expect("lits", "list");
	expect("rnu", "run");
	expect("casche", "cache");
}

static void test_too_far(void)
{
	expect("", NULL);
	expect("x", NULL);
	expect("xyzzy", NULL);
	expect("rxx", NULL);
	expect("buildings-and-more", NULL);
}

static void test_short_words(void)
{
	const char *const words[] = { "a", "bc" };

	test_check_string(suggest_nearest("b", words, 2), "a");
	test_check_string(suggest_nearest("bd", words, 2), "bc");
	test_check_string(suggest_nearest("de", words, 2), NULL);
}

static void test_no_candidates(void)
{
	CU_ASSERT_PTR_NULL(suggest_nearest("run", NULL, 0));
}

static void test_first_of_equals(void)
{
	const char *const words[] = { "cat", "bat", "hat" };

	test_check_string(suggest_nearest("rat", words, 3), "cat");
	test_check_string(suggest_nearest("hatt", words, 3), "hat");
}

TEST_SUITE("suggest",
	   {"finds near names", test_finds},
	   {"nothing near", test_too_far},
	   {"short words", test_short_words},
	   {"no candidates", test_no_candidates},
	   {"the first of equals", test_first_of_equals})
