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

TEST_SUITE("patch_text",
	   {"names files", test_names_files},
	   {"hunk lines are no headers", test_hunk_lines_are_no_headers},
	   {"refuses to leave the tree", test_refuses_to_leave_the_tree},
	   {"finds hunks", test_finds_hunks},
	   {"finds no hunk", test_finds_no_hunk})
