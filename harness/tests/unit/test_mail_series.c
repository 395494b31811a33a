/* test_mail_series.c - which mails are the series: tags of subjects, versions, order. */
#include "mail_series.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "strbuf.h"
#include "test.h"

#define cleanup_series cleanup_with(mail_series_release)

static void test_tags(void)
{
	static const struct {
		const char *subject;
		bool is_patch, is_resend;
		uint32_t version, revision, number, total;
		const char *title;
	} cases[] = {
		{ "[PATCH] mm: x", true, false, 1, 0, 0, 0, "mm: x" },
		{ "[PATCH v3 04/12] mm: x", true, false, 3, 0, 4, 12, "mm: x" },
		{ "[PATCH net-next v2 0/3] x", true, false, 2, 0, 0, 3, "x" },
		{ "[RFC PATCH 1/2] x", true, false, 1, 0, 1, 2, "x" },
		{ "[RFC][PATCH v2] x", true, false, 2, 0, 0, 0, "x" },
		{ "[PATCHv4 2/2] x", true, false, 4, 0, 2, 2, "x" },
		{ "[RFC/PATCH-v4] x", true, false, 4, 0, 0, 0, "x" },
		{ "[PATCH RESEND v2 1/1] x", true, true, 2, 0, 1, 1, "x" },
		{ "[PATCH,v2,3/4] x", true, false, 2, 0, 3, 4, "x" },
		{ "[patch V2.1 3/4] x", true, false, 2, 1, 3, 4, "x" },
		{ "[linux-list] [3/4] x", true, false, 1, 0, 3, 4, "x" },
		{ "  [PATCH]x", true, false, 1, 0, 0, 0, "x" },
		{ "[tip: sched/core] x", false, false, 1, 0, 0, 0, "x" },
		{ "Re: [PATCH v3 4/12] x", false, false, 1, 0, 0, 0, "Re: [PATCH v3 4/12] x" },
		{ "[list] Re: [PATCH] x", false, false, 1, 0, 0, 0, "Re: [PATCH] x" },
		{ "[PATCH", false, false, 1, 0, 0, 0, "[PATCH" },
		{ "[PATCHWORK] x", false, false, 1, 0, 0, 0, "x" },
		{ "[PATCH v0 5/4] x", true, false, 1, 0, 0, 0, "x" },
		{ "[PATCH 1/0] x", true, false, 1, 0, 0, 0, "x" },
		{ "[PATCH 1/1001] x", true, false, 1, 0, 0, 0, "x" },
		{ "[PATCH 1/99999999999] x", true, false, 1, 0, 0, 0, "x" },
		{ "", false, false, 1, 0, 0, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct mail_tag tag;

		mail_tag_parse(cases[i].subject, &tag);
		if (!test_check(tag.is_patch == cases[i].is_patch &&
				tag.is_resend == cases[i].is_resend &&
				tag.version == cases[i].version &&
				tag.revision == cases[i].revision &&
				tag.number == cases[i].number && tag.total == cases[i].total))
			test_check_string(cases[i].subject, "as above");
		test_check_string(tag.title, cases[i].title);
	}
}

static void test_answers(void)
{
	CU_ASSERT_TRUE(mail_is_answer("Re: mm: x"));
	CU_ASSERT_TRUE(mail_is_answer("RE : x"));
	CU_ASSERT_TRUE(mail_is_answer("Re[2]: x"));
	CU_ASSERT_TRUE(mail_is_answer(" Fwd: x"));
	CU_ASSERT_TRUE(mail_is_answer("AW: x"));
	CU_ASSERT_FALSE(mail_is_answer("rework: x"));
	CU_ASSERT_FALSE(mail_is_answer("re"));
	CU_ASSERT_FALSE(mail_is_answer("[PATCH] re: x"));
	CU_ASSERT_FALSE(mail_is_answer("mm: Re: x"));
	CU_ASSERT_FALSE(mail_is_answer(""));
}

/* --- choosing ------------------------------------------------------------------------------ */

/* The indexes of what was chosen, "2 0 1"; owned; the message where it was refused. */
static char *choose(const struct series_mail *mails, size_t count, struct mail_series *series,
		    int *ret_code)
{
	struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	*ret_code = mail_series_choose(mails, count, series, &err);
	if (*ret_code)
		strbuf_adds(&text, err.message);
	for (size_t i = 0; i < series->count; i++)
		strbuf_addf(&text, "%s%zu", i ? " " : "", series->mails[i]);
	return strbuf_detach(&text);
}

static void check(const struct series_mail *mails, size_t count, int code, const char *chosen,
		  const char *note)
{
	cleanup_series struct mail_series series = { .mails = NULL };
	int found = 0;
	cleanup_free char *text = choose(mails, count, &series, &found);

	CU_ASSERT_EQUAL(found, code);
	test_check_string(text, chosen);
	test_check_string(series.note, note);
}

#define CHECK(code, chosen, note, ...)                                                       \
	do {                                                                                 \
		const struct series_mail mails_[] = { __VA_ARGS__ };                         \
		check(mails_, ARRAY_COUNT(mails_), code, chosen, note);                      \
	} while (0)

static void test_orders(void)
{
	CHECK(0, "3 1 2", NULL, { "[PATCH 0/3] c", "" }, { "[PATCH 2/3] b", "b" },
	      { "[PATCH 3/3] c", "c" }, { "[PATCH 1/3] a", "a" });
	CHECK(0, "0", NULL, { "[PATCH] a", "a" }, { "Re: [PATCH] a", "> a" });
	/* git format-patch --no-numbered, and -k */
	CHECK(0, "1 0", NULL, { "[PATCH 2/2] b", "b" }, { "[PATCH 1/2] a", "a" },
	      { "mm: c", "c" });
	CHECK(0, "0 1", NULL, { "[PATCH] a", "a" }, { "[PATCH] b", "b" }, { "[PATCH] a", "a" });
	CHECK(0, "1 2", NULL, { "Re: a", "x" }, { "mm: a", "a" }, { "mm: b", "b" },
	      { "mm: c", "" });
}

static void test_cover(void)
{
	static const struct series_mail mails[] = { { "[PATCH v2 1/1] a", "a" },
						    { "[PATCH v2 0/1] all", "" } };
	cleanup_series struct mail_series series = { .mails = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(mail_series_choose(mails, 2, &series, &err), 0);
	CU_ASSERT_EQUAL(series.cover, 1);
	CU_ASSERT_EQUAL(series.version, 2);
	CU_ASSERT_TRUE(series.is_numbered);
}

static void test_takes_the_newest_complete(void)
{
	CHECK(0, "2 1", "v2 is taken; also there: v1", { "[PATCH 1/1] a", "a" },
	      { "[PATCH v2 2/2] b", "b" }, { "[PATCH v2 1/2] a", "a" });
	CHECK(0, "0", "v1 is taken: v2 lacks patches 1/3 and 3/3", { "[PATCH 1/1] a", "a" },
	      { "[PATCH v2 2/3] b", "b" });
	CHECK(0, "1", "v10 is taken; also there: v9, v9.1", { "[PATCH v9] a", "a" },
	      { "[PATCH v10] b", "b" }, { "[PATCH v9.1] c", "c" });
	CHECK(0, "1", "the resent v1 is taken; also there: v1", { "[PATCH] a", "a" },
	      { "[PATCH RESEND] a", "a" });
	/* a fix beside the series, of the same version */
	CHECK(0, "0 1", "v1 is taken; also there: v1", { "[PATCH 1/2] a", "a" },
	      { "[PATCH 2/2] b", "b" }, { "[PATCH] c", "c" });
	/* without a diff it is a question with a tag */
	CHECK(0, "0", NULL, { "[PATCH] a", "a" }, { "[RFC v2] why not?", "" });
}

static void test_duplicates(void)
{
	CHECK(0, "0 2", NULL, { "[PATCH 1/2] a", "a" }, { "[PATCH 1/2] a", "a" },
	      { "[PATCH 2/2] b", "b" });
	CHECK(-EEXIST, "two different patches are 1/1 of v3: '[PATCH v3 1/1] a' and "
	      "'[PATCH v3 1/1] b'", NULL, { "[PATCH v3 1/1] a", "a" },
	      { "[PATCH v3 1/1] b", "b" });
}

static void test_refuses(void)
{
	static const char none[] = "no patch in it: expected mails such as '[PATCH 1/2] mm: ...' "
				   "with a diff (";
	cleanup_free char *one = string_format("%s1 mail is there, answers do not count)", none);
	cleanup_free char *empty = string_format("%s0 mails are there, answers do not count)",
						 none);

	CHECK(-ENODATA, "v3 lacks patch 4/7", NULL, { "[PATCH v3 1/7] a", "a" },
	      { "[PATCH v3 2/7] a", "a" }, { "[PATCH v3 3/7] a", "a" },
	      { "[PATCH v3 5/7] a", "a" }, { "[PATCH v3 6/7] a", "a" },
	      { "[PATCH v3 7/7] a", "a" }, { "[PATCH v3 4/7] a", "" }, { "Re: [PATCH v3 4/7]", "b" });
	CHECK(-ENODATA, "v1 lacks patches 1/20, 2/20, 3/20, 4/20, 5/20, 6/20, 7/20, 8/20, 9/20, "
	      "10/20 and 10 more", NULL, { "[PATCH 0/20] a", "" });
	CHECK(-ENOENT, one, NULL, { "Re: [PATCH] a", "a" });
	check(NULL, 0, -ENOENT, empty, NULL);
}

TEST_SUITE("mail_series",
	   {"reads tags", test_tags},
	   {"knows answers", test_answers},
	   {"puts patches in order", test_orders},
	   {"finds the cover letter", test_cover},
	   {"takes the newest complete version", test_takes_the_newest_complete},
	   {"takes a patch that came twice once", test_duplicates},
	   {"refuses what is not whole", test_refuses})
