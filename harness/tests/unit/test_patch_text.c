/* test_patch_text.c - reading the headers of diffs. */
#include "patch_text.h"

#include "memory.h"
#include "test.h"

static char *joined(const char *text)
{
	cleanup_strvec struct strvec files = STRVEC_INIT;
	struct strbuf out = STRBUF_INIT;

	patch_text_files(text, &files);
	for (size_t i = 0; i < files.count; i++)
		strbuf_addf(&out, "%s%s", i ? " " : "", files.items[i]);
	return strbuf_detach(&out);
}

static void check_files(const char *text, const char *expected)
{
	cleanup_free char *found = joined(text);

	test_check_string(found, expected);
}

static void test_names_files(void)
{
	check_files("--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1 +1 @@\n-a\n+b\n", "mm/x.c");
	check_files("--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+b\n", "new.c");
	check_files("--- a/x.c\t2026-01-01\n+++ b/x.c\t2026-01-02\n", "x.c");
	check_files("diff --git a/old b/new\nsimilarity index 100%\n"
		    "rename from old\nrename to new\n", "new old");
	check_files("diff --git a/s.sh b/s.sh\nold mode 100644\n"
		    "new mode 100755\n", "s.sh");
	check_files("", "");
	check_files("only words\n", "");
}

static void test_hunk_lines_are_no_headers(void)
{
	/* The removed line "-- a/trap.c" and the added "++ b/trap.c". */
	check_files("--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n--- a/trap.c\n"
		    "+++ b/trap.c\n context\n", "x.c");
}

static void test_refuses_to_leave_the_tree(void)
{
	check_files("--- a/../etc/x\n+++ b/../etc/x\n", "");
	check_files("--- /etc/x\n+++ /etc/x\n", "");
	check_files("rename from ../x\nrename to y/../../z\n", "");
	check_files("--- x.c\n+++ x.c\n", "");
	check_files("--- \"a/quoted\"\n", "");
}

static const char two_files[] =
	"--- a/x.c\n+++ b/x.c\n"
	"@@ -10,3 +10,3 @@ int x(void)\n a\n-b\n+c\n d\n"
	"@@ -50 +50,2 @@\n-b\n+c\n+d\n"
	"--- a/y.c\n+++ b/y.c\n"
	"@@ -50,2 +50,2 @@\n a\n-b\n+c\n"
	"\\ No newline at end of file\n"
	"@@ -90,1 +90,1 @@\n-b\n+c\n";

static void test_finds_hunks(void)
{
	CU_ASSERT_EQUAL(patch_text_find_hunk(two_files, "x.c", 10), 1);
	CU_ASSERT_EQUAL(patch_text_find_hunk(two_files, "x.c", 50), 2);
	CU_ASSERT_EQUAL(patch_text_find_hunk(two_files, "y.c", 50), 1);
	CU_ASSERT_EQUAL(patch_text_find_hunk(two_files, "y.c", 90), 2);
}

static void test_finds_no_hunk(void)
{
	CU_ASSERT_EQUAL(patch_text_find_hunk(two_files, "x.c", 90), 0);
	CU_ASSERT_EQUAL(patch_text_find_hunk(two_files, "z.c", 10), 0);
	CU_ASSERT_EQUAL(patch_text_find_hunk("", "x.c", 10), 0);
	CU_ASSERT_EQUAL(patch_text_find_hunk("@@ -1 +1 @@\n-a\n", "x.c", 1), 0);
	CU_ASSERT_EQUAL(patch_text_find_hunk("@@ -", "x.c", 1), 0);
}

/* --- the diff alone ------------------------------------------------------------------------- */

static void check_diff(const char *text, const char *expected)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT, again = STRBUF_INIT;

	patch_text_diff(text, &out);
	test_check_string(out.data, expected);
	patch_text_diff(out.data, &again);
	test_check_string(again.data, out.data);
}

#define NAMES "--- a/x.c\n+++ b/x.c\n"
#define HUNK "@@ -1,2 +1,2 @@ int x\n a\n-b\n+c\n"

static void test_diff_alone(void)
{
	static const char git[] = "diff --git a/x.c b/x.c\n" NAMES HUNK;

	check_diff(git, git);
	check_diff("---\n x.c | 2 +-\n 1 file changed\n\ndiff --git a/x.c b/x.c\n"
		   "index 12..34 100644\n" NAMES HUNK "-- \n2.39.5\n\n", git);
	check_diff("Words.\n--- not a name\n" NAMES HUNK "\n> quoted\n", NAMES HUNK);
	check_diff("Index: x.c\n=====\n" NAMES HUNK "@@ -9 +9 @@\n-d\n+e\n" NAMES HUNK,
		   NAMES HUNK "@@ -9 +9 @@\n-d\n+e\n" NAMES HUNK);
	check_diff(NAMES "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n",
		   NAMES "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n");
	/* lines of a hunk that look like something else */
	check_diff(NAMES "@@ -1,3 +1,2 @@\n--- a/y\n-index 1\n+++ b/y\n diff\n",
		   NAMES "@@ -1,3 +1,2 @@\n--- a/y\n-index 1\n+++ b/y\n diff\n");
	/* the last line lacks its end */
	check_diff(NAMES "@@ -1 +1 @@\n-a\n+b", NAMES "@@ -1 +1 @@\n-a\n+b\n");
}

static void test_diff_without_hunks(void)
{
	static const char mode[] = "diff --git a/s b/s\nold mode 100644\nnew mode 100755\n";
	static const char rename[] = "diff --git a/s b/t\nsimilarity index 100%\n"
				     "rename from s\nrename to t\n";
	static const char empty[] = "diff --git a/e b/e\nnew file mode 100644\n";
	static const char binary[] = "diff --git a/p b/p\nindex 12..34 100644\n"
				     "GIT binary patch\nliteral 3\nKcmZQz\n\nliteral 1\nIcmZPo\n\n";

	check_diff(mode, mode);
	check_diff(rename, rename);
	check_diff("diff --git a/e b/e\nnew file mode 100644\nindex 0..1\n", empty);
	check_diff(binary, binary);
	check_diff("Subject: x\n\ndiff --git a/p b/p\nindex 12..34 100644\n"
		   "GIT binary patch\nliteral 3\nKcmZQz\n\nliteral 1\nIcmZPo\n\n-- \n2\n", binary);
}

static void test_no_diff(void)
{
	check_diff("", "");
	check_diff("only words\n--- \n+++ \n", "--- \n+++ \n");
	check_diff("@@ -1 +1 @@\n-a\n+b\n", "");
	check_diff("> " "--- a/x.c\n> +++ b/x.c\n> @@ -1 +1 @@\n> -a\n> +b\n", "");
	check_diff("index 12..34\nnew mode 100644\nGIT binary patch\n", "");
}

TEST_SUITE("patch_text",
	   {"a diff alone", test_diff_alone},
	   {"a diff without hunks alone", test_diff_without_hunks},
	   {"no diff", test_no_diff},
	   {"names files", test_names_files},
	   {"hunk lines are no headers", test_hunk_lines_are_no_headers},
	   {"refuses to leave the tree", test_refuses_to_leave_the_tree},
	   {"finds hunks", test_finds_hunks},
	   {"finds no hunk", test_finds_no_hunk})
