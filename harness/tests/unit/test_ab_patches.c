/* test_ab_patches.c - patches of folders, mailboxes and commits: the same series however
 * it came, and what is refused. The mailboxes of fixtures/mail are of one made-up series
 * of three patches, sent in several ways.
 */
#include "ab_patches.h"

#include <errno.h>
#include <string.h>

#include "fake_kernel.h"
#include "files.h"
#include "kernel_patches.h"
#include "memory.h"
#include "test.h"

#define cleanup_set cleanup_with(ab_set_release)

static const char *const subjects[] = {
	"lib: declare twice()",
	"lib: add twice() \xe2\x80\x94 for those who need it",
	"lib: shift instead of adding",
};

static const char *const diffs[] = {
	"diff --git a/lib/add.h b/lib/add.h\n--- a/lib/add.h\n+++ b/lib/add.h\n"
	"@@ -1 +1,2 @@\n int add(int a, int b);\n+int twice(int a);\n",
	"diff --git a/lib/add.c b/lib/add.c\n--- a/lib/add.c\n+++ b/lib/add.c\n"
	"@@ -4,3 +4,8 @@ int add(int a, int b)\n {\n \treturn a + b;\n }\n+\n"
	"+int twice(int a)\n+{\n+\treturn add(a, a);\n+}\n",
	"diff --git a/lib/add.c b/lib/add.c\n--- a/lib/add.c\n+++ b/lib/add.c\n"
	"@@ -7,5 +7,5 @@ int add(int a, int b)\n \n int twice(int a)\n {\n"
	"-\treturn add(a, a);\n+\treturn a << 1;\n }\n",
};

static int load(const char *source, struct ab_set *ret_set, struct error *err)
{
	return ab_set_load(source, test_temp_folder(), ret_set, err);
}

/* The source gives the first `count` patches of the series. */
static bool check_set(const char *source, size_t count, struct ab_set *set)
{
	struct error err = ERROR_INIT;

	if (!test_check(load(source, set, &err) == 0) || !test_check(set->count == count)) {
		test_check_string(err.message, source);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		test_check_string(set->items[i].subject, subjects[i]);
		test_check_string(set->items[i].diff, diffs[i]);
	}
	return true;
}

static void check_refused(const char *source, int code, const char *message)
{
	cleanup_set struct ab_set set = { .items = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(load(source, &set, &err), code);
	test_check_contains(err.message, message);
}

static const char *write_file(const char *folder, const char *name, const char *text,
			      size_t length)
{
	cleanup_free char *path = path_join(folder, name);

	CU_ASSERT_EQUAL(file_write_atomic(path, text, length, 0644), 0);
	return folder;
}

static char *read_fixture(const char *name)
{
	cleanup_free char *file = path_join("mail", name);
	char *text = NULL;

	if (!test_check(file_read(test_fixture_path(file), 1 << 20, &text, NULL) == 0))
		return string_copy("");
	return text;
}

/* --- mailboxes ------------------------------------------------------------------------------ */

static void test_mailboxes(void)
{
	static const struct {
		const char *name;
		size_t count;
		uint32_t version;
		const char *title, *note;
	} cases[] = {
		{ "b4.mbox", 3, 3, NULL, NULL },
		{ "thread.mbox", 3, 3, "lib: twice as fast", "v3 is taken; also there: v1, v2" },
		{ "newest-incomplete.mbox", 3, 2, "lib: twice as fast",
		  "v2 is taken: v3 lacks patch 2/3" },
		{ "encodings.mbox", 3, 3, NULL, NULL },
		{ "single.mbox", 1, 1, NULL, NULL },
		{ "flowed.mbox", 1, 1, NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_free char *file = path_join("mail", cases[i].name);
		cleanup_set struct ab_set set = { .items = NULL };

		if (!check_set(test_fixture_path(file), cases[i].count, &set))
			continue;
		CU_ASSERT_EQUAL(set.version, cases[i].version);
		test_check_string(set.title, cases[i].title);
		test_check_string(set.note, cases[i].note);
		CU_ASSERT_PTR_NULL(set.repository);
	}
}

static void test_other_packings(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *text = read_fixture("thread.mbox");
	cleanup_strbuf struct strbuf crlf = STRBUF_INIT;
	cleanup_free char *path = path_join(folder, "t.mbox"), *lines = path_join(folder, "crlf");
	cleanup_free char *packed = path_join(folder, "t.mbox.gz");
	const char *const gzip[] = { "gzip", "--keep", path, NULL };
	cleanup_set struct ab_set one = { .items = NULL }, two = { .items = NULL };

	for (const char *c = text; *c; c++)
		strbuf_adds(&crlf, *c == '\n' ? "\r\n" : (const char[]){ *c, '\0' });
	write_file(folder, "crlf", crlf.data, crlf.length);
	write_file(folder, "t.mbox", text, strlen(text));
	check_set(lines, 3, &one);
	if (!test_check(fake_run(folder, gzip)))
		return;
	if (check_set(packed, 3, &two))
		test_check_string(two.name, "t");
}

static void test_maildir(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *text = read_fixture("single.mbox");
	cleanup_free char *cur = path_join(folder, "cur"), *new = path_join(folder, "new");
	cleanup_set struct ab_set set = { .items = NULL };

	CU_ASSERT_EQUAL(folder_make(cur), 0);
	CU_ASSERT_EQUAL(folder_make(new), 0);
	/* without the line that only a mailbox has, and what follows the first mail */
	text[strlen(text) - strlen(strstr(text + 5, "\nFrom mboxrd")) + 1] = '\0';
	write_file(cur, "1:2,S", strchr(text, '\n') + 1, strlen(strchr(text, '\n') + 1));
	check_set(folder, 1, &set);
}

static void test_refuses_mailboxes(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *empty = path_join(folder, "empty"), *words = path_join(folder, "words");
	cleanup_free char *binary = path_join(folder, "binary");
	cleanup_free char *damaged = path_join(folder, "damaged");
	static const char bytes[] = "\x7f" "ELF\0\0\1\2\3\0From x\n";

	check_refused(test_fixture_path("mail/incomplete.mbox"), -ENODATA,
		      "incomplete.mbox: v3 lacks patch 2/3");
	check_refused(test_fixture_path("mail/two-first.mbox"), -EEXIST,
		      "two different patches are 1/3 of v3");
	check_refused(test_fixture_path("mail/discussion.mbox"), -ENOENT,
		      "discussion.mbox: no patch in it");
	write_file(folder, "empty", "", 0);
	write_file(folder, "words", "nothing but words\n", 18);
	write_file(folder, "binary", bytes, sizeof(bytes));
	write_file(folder, "damaged", "\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x02\x03\x04", 14);
	check_refused(empty, -EINVAL, "empty: expected a mailbox or a patch");
	check_refused(words, -EINVAL, "words: neither a mailbox nor a patch");
	check_refused(binary, -EINVAL, "binary: neither a mailbox nor a patch");
	check_refused(damaged, -EBADMSG, "damaged");
	check_refused("/nowhere/at.all", -ENOENT, "no such file or folder: expected a folder");
}

/* --- folders -------- */

static void test_folders(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *second = string_format("From: x\nSubject: [PATCH 2/3] %s\n\nwhy\n---\n%s",
						  "=?UTF-8?q?lib:=20add=20twice()=20=E2=80=94?=\n"
						  " for those who need it", diffs[1]);
	cleanup_free char *third = string_format("%s\n\n%s", subjects[2], diffs[2]);
	cleanup_set struct ab_set by_name = { .items = NULL }, by_series = { .items = NULL };
	cleanup_free char *first = string_format("%s\nWords.\n\n%s", subjects[0], diffs[0]);

	write_file(folder, "01.patch", first, strlen(first));
	write_file(folder, "02.patch", second, strlen(second));
	write_file(folder, "03.diff", third, strlen(third));
	write_file(folder, "0000-cover-letter.patch", "Subject: [PATCH 0/3] c\n\n", 24);
	write_file(folder, "README", "no patch", 8);
	check_set(folder, 3, &by_name);
	write_file(folder, "series", "# first\n01.patch -p1\n02.patch # why\n", 35);
	check_set(folder, 2, &by_series);
}

static void test_names_without_a_subject(void)
{
	const char *folder = test_temp_folder();
	cleanup_set struct ab_set set = { .items = NULL }, one = { .items = NULL };
	cleanup_free char *path = path_join(folder, "My fix.patch");
	struct error err = ERROR_INIT;

	write_file(folder, "My fix.patch", diffs[0], strlen(diffs[0]));
	CU_ASSERT_EQUAL(load(folder, &set, &err), 0);
	if (test_check(set.count == 1))
		test_check_string(set.items[0].subject, "My fix");
	CU_ASSERT_EQUAL(load(path, &one, &err), 0);
	if (!test_check(one.count == 1))
		return;
	test_check_string(one.name, "my-fix");
	test_check_string(one.items[0].diff, diffs[0]);
}

static void test_refuses_folders(void)
{
	const char *folder = test_temp_folder(), *bad = test_temp_folder();
	const char *out = test_temp_folder(), *missing = test_temp_folder();

	check_refused(folder, -ENOENT, "no patch in it: expected a file `series`, or files");
	write_file(bad, "1.patch", "Subject: x\n\nonly words\n", 23);
	check_refused(bad, -EINVAL, "1.patch: no diff in it");
	write_file(bad, "1.patch", "Subject: x\0y\n", 13);
	check_refused(bad, -EINVAL, "1.patch: holds a NUL character");
	write_file(out, "series", "../x.patch\n", 11);
	check_refused(out, -EINVAL, "series:1: '..' in a name");
	write_file(missing, "series", "gone.patch\n", 11);
	check_refused(missing, -ENOENT, "gone.patch");
}

/* --- commits -------- */

static bool git(const char *folder, const char *const *words)
{
	const char *argv[16] = { "git", "-c", "user.name=t", "-c", "user.email=t@t" };
	size_t count = 5;

	while (*words)
		argv[count++] = *words++;
	return test_check(fake_run(folder, argv));
}

#define GIT(folder, ...) git(folder, (const char *const[]){ __VA_ARGS__, NULL })

static const char source_c[] = "#include \"add.h\"\n\nint add(int a, int b)\n{\n"
			       "\treturn a + b;\n}\n";

/* start - the three patches - end; merge: another line into it */
static bool make_repository(const char *folder)
{
	cleanup_free char *lib = path_join(folder, "lib");
	cleanup_free char *box = string_copy(test_fixture_path("mail/b4.mbox"));

	CU_ASSERT_EQUAL(folder_make(lib), 0);
	write_file(lib, "add.c", source_c, strlen(source_c));
	write_file(lib, "add.h", "int add(int a, int b);\n", 23);
	return GIT(folder, "init", "--quiet", "-b", "main", ".") && GIT(folder, "add", "-A") &&
	       GIT(folder, "commit", "--quiet", "-mbase") && GIT(folder, "tag", "start") &&
	       GIT(folder, "am", "--quiet", box) && GIT(folder, "tag", "end") &&
	       GIT(folder, "checkout", "--quiet", "-b", "side", "start") &&
	       GIT(folder, "commit", "--quiet", "--allow-empty", "-maside") &&
	       GIT(folder, "merge", "--quiet", "--no-ff", "-mmerged", "end");
}

static void test_ranges(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *range = string_format("%s:start..end", folder);
	cleanup_free char *merge = string_format("%s:start..side", folder);
	cleanup_free char *empty = string_format("%s:end..start", folder);
	cleanup_free char *wrong = string_format("%s:start..edn", folder);
	cleanup_free char *three = string_format("%s:start...end", folder);
	cleanup_free char *nothing = string_format("%s:start..side~1", folder);
	cleanup_free char *here = string_format("%s is a repository: expected %s:FROM..TO", folder,
						folder);
	cleanup_set struct ab_set set = { .items = NULL };

	if (!make_repository(folder))
		return;
	/* whatever the user likes a diff to look like */
	if (!GIT(folder, "config", "diff.noprefix", "true") ||
	    !GIT(folder, "config", "format.coverLetter", "true") ||
	    !GIT(folder, "config", "format.attach", "yes"))
		return;
	if (check_set(range, 3, &set)) {
		test_check_string(set.name, "end");
		test_check_string(set.repository, folder);
		CU_ASSERT_EQUAL(strlen(set.first_commit), 40);
	}
	check_refused(merge, -EINVAL, " is a merge, which is no patch");
	check_refused(empty, -EINVAL, "no commit in it: start is in end already");
	check_refused(wrong, -ENOENT, "has no commit 'edn'");
	check_refused(three, -EINVAL, "expected REPOSITORY:FROM..TO");
	check_refused(nothing, -EINVAL, "no commit of it changes anything");
	check_refused(folder, -EINVAL, here);
	check_refused("/nowhere:a..b", -ENOENT, "no such file or folder");
}

/* --- saved -------- */

/* What is saved is a series that applies, and is read as it was. */
static void test_saves(void)
{
	const char *folder = test_temp_folder(), *tree = test_temp_folder();
	cleanup_free char *lib = path_join(tree, "lib"), *scratch = path_join(tree, "scratch");
	cleanup_with(kernel_patches_release) struct kernel_patches patches = { .items = NULL };
	cleanup_with(patched_files_release) struct patched_files files = { .items = NULL };
	cleanup_set struct ab_set set = { .items = NULL }, again = { .items = NULL };
	cleanup_strvec struct strvec folders = STRVEC_INIT;
	struct error err = ERROR_INIT;

	if (!check_set(test_fixture_path("mail/thread.mbox"), 3, &set) ||
	    !test_check(ab_set_save(&set, folder, &err) == 0) || !check_set(folder, 3, &again))
		return;
	CU_ASSERT_EQUAL(folder_make(lib), 0);
	write_file(lib, "add.c", source_c, strlen(source_c));
	write_file(lib, "add.h", "int add(int a, int b);\n", 23);
	strvec_push(&folders, folder);
	if (!test_check(kernel_patches_load(&folders, &patches, &err) == 0) ||
	    !test_check(patches.count == 3))
		return;
	test_check_string(patches.items[1].name, "0002-lib-add-twice-for-those-who-need-it.patch");
	CU_ASSERT_EQUAL(kernel_patches_apply(&patches, tree, scratch, &files, &err), 0);
	CU_ASSERT_EQUAL(files.count, 2);
}

static void test_hostile_patch(void)
{
	static const char *const bad[][2] = {
		{ "--- a/../../etc/x\n+++ b/../../etc/x\n@@ -0,0 +1 @@\n+x\n", "invalid path" },
		{ "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n"
		  "@@ -0,0 +1 @@\n+/etc\n\\ No newline at end of file\n"
		  "diff --git a/l/x b/l/x\nnew file mode 100644\n--- /dev/null\n+++ b/l/x\n"
		  "@@ -0,0 +1 @@\n+x\n", "beyond a symbolic link" },
		{ "--- a/lib/gone.c\n+++ b/lib/gone.c\n@@ -1 +1 @@\n-a\n+b\n", "lib/gone.c" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		const char *folder = test_temp_folder(), *tree = test_temp_folder();
		cleanup_free char *scratch = path_join(tree, "scratch");
		cleanup_with(kernel_patches_release) struct kernel_patches patches = {
			.items = NULL
		};
		cleanup_with(patched_files_release) struct patched_files files = { .items = NULL };
		cleanup_set struct ab_set set = { .items = NULL };
		cleanup_strvec struct strvec folders = STRVEC_INIT;
		cleanup_free char *from = path_join(tree, "from");
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(folder_make(from), 0);
		write_file(from, "x.patch", bad[i][0], strlen(bad[i][0]));
		strvec_push(&folders, folder);
		if (!test_check(load(from, &set, &err) == 0) ||
		    !test_check(ab_set_save(&set, folder, &err) == 0) ||
		    !test_check(kernel_patches_load(&folders, &patches, &err) == 0))
			continue;
		CU_ASSERT_EQUAL(kernel_patches_apply(&patches, tree, scratch, &files, &err),
				-EINVAL);
		test_check_contains(err.message, bad[i][1]);
	}
}

TEST_SUITE("ab_patches",
	   {"mailboxes", test_mailboxes},
	   {"compressed, and with CRLF", test_other_packings},
	   {"a Maildir", test_maildir},
	   {"refuses mailboxes", test_refuses_mailboxes},
	   {"folders", test_folders},
	   {"names of patches without a subject", test_names_without_a_subject},
	   {"refuses folders", test_refuses_folders},
	   {"ranges of commits", test_ranges},
	   {"saves a series", test_saves},
	   {"patches that want out", test_hostile_patch})
