/* test_kernel_source_git.c - commits of one repository after another, as a
 * bisection takes them: what they share is linked and not compiled again.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fake_kernel.h"
#include "files.h"
#include "memory.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_close)
#define cleanup_kernel cleanup_with(built_kernel_release)

static const struct build_options plain = { .label = "test" };

static bool git(const char *folder, const char *a, const char *b, const char *c)
{
	const char *const argv[] = { "git", "-c", "user.name=t", "-c", "user.email=t@t",
				     a, b, c, NULL };

	return test_check(fake_run(folder, argv));
}

static bool commit(const char *folder, const char *tag)
{
	return git(folder, "add", "--all", ".") && git(folder, "commit", "--quiet", "-mx") &&
	       git(folder, "tag", tag, NULL);
}

/* v1; v2 edits b.c, drops d.txt and adds e.txt. */
static bool open_repository(struct fake *fake)
{
	cleanup_free char *dropped = NULL;

	if (!fake_open(fake))
		return false;
	dropped = path_join(fake->source, "d.txt");
	fake_write(fake->source, "d.txt", "of the first\n");
	if (!git(fake->source, "init", "--quiet", ".") || !commit(fake->source, "v1"))
		return false;
	fake_write(fake->source, "b.c", "b, edited\n");
	fake_write(fake->source, "e.txt", "of the second\n");
	return test_check(!unlink(dropped)) && commit(fake->source, "v2");
}

static void set_ref(struct fake *fake, const char *ref)
{
	source_spec_release(&fake->spec.base.sources[0]);
	fake->spec.base.sources[0] = (struct source_spec){
		.kind = SOURCE_GIT, .ref = string_copy(ref), .url = string_copy(fake->source),
	};
}

static bool build(struct fake *fake, const char *ref, struct built_kernel *ret_kernel)
{
	struct error err = ERROR_INIT;

	set_ref(fake, ref);
	if (test_check(fake_build(fake, &plain, ret_kernel, &err) == 0))
		return true;
	test_check_string(err.message, "");
	return false;
}

/* The folder of the pristine source of a ref; owned. */
static char *source_tree(struct fake *fake, const char *ref)
{
	cleanup_free char *sources = path_join(fake->cache_path, "sources");
	cleanup_strvec struct strvec keys = STRVEC_INIT;

	CU_ASSERT_EQUAL(folder_list(sources, &keys), 0);
	for (size_t i = 0; i < keys.count; i++) {
		cleanup_free char *folder = path_join(sources, keys.items[i]);
		cleanup_free char *record = fake_read(folder, "source.json");
		cleanup_free char *wanted = string_format("\"detail\": \"%s\"", ref);

		if (strstr(record, wanted))
			return path_join(folder, "tree");
	}
	test_check(!"the source is in the cache");
	return string_copy("/nowhere");
}

static ino_t inode_of(const char *folder, const char *name)
{
	cleanup_free char *path = path_join(folder, name);
	struct stat info = { .st_ino = 0 };

	test_check(lstat(path, &info) == 0);
	return info.st_ino;
}

static void check_text(const char *folder, const char *name, const char *expected)
{
	cleanup_free char *text = fake_read(folder, name);

	test_check_string(text, expected);
}

static void test_next_commit_compiles_what_changed(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel first = { .folder = NULL };
	cleanup_kernel struct built_kernel second = { .folder = NULL };
	cleanup_free char *text = NULL;

	if (!open_repository(&fake) || !build(&fake, "v1", &first) ||
	    !build(&fake, "v2", &second))
		return;
	CU_ASSERT_EQUAL(fake_record_number(&first, "objects_count"), 3);
	CU_ASSERT_EQUAL(fake_record_number(&second, "objects_count"), 1);
	text = fake_read(second.folder, "vmlinux");
	test_check_contains(text, "b, edited");
}

static void test_commits_share_files(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel first = { .folder = NULL };
	cleanup_kernel struct built_kernel second = { .folder = NULL };
	cleanup_free char *one = NULL, *two = NULL, *old = NULL;

	if (!open_repository(&fake) || !build(&fake, "v1", &first))
		return;
	one = source_tree(&fake, "v1");
	old = fake_read(one, "b.c");
	if (!build(&fake, "v2", &second))
		return;
	two = source_tree(&fake, "v2");
	CU_ASSERT_EQUAL(inode_of(one, "a.c"), inode_of(two, "a.c"));
	CU_ASSERT_NOT_EQUAL(inode_of(one, "b.c"), inode_of(two, "b.c"));
	/* and the first one is as it was */
	check_text(one, "b.c", old);
	check_text(one, "d.txt", "of the first\n");
	check_text(two, "d.txt", "");
	check_text(two, "e.txt", "of the second\n");
	check_text(two, "b.c", "b, edited\n");
}

/* A tree that was cloned from another commit's is a donor like any: what it took from
 * its own commit is not what the next one has. Back and forth, since the file that a
 * clone changed is no link into its source. */
static void test_commits_one_after_another(void)
{
	static const struct {
		const char *ref, *holds, *holds_not;
	} steps[] = {
		{ "v1", "b\n", "edited" }, { "v3", "b, once more", "b, edited" },
		{ "v2", "b, edited", "once more" }, { "v4", "b\n", "edited" },
	};
	cleanup_fake struct fake fake;

	if (!open_repository(&fake))
		return;
	fake_write(fake.source, "b.c", "b, once more\n");
	if (!commit(fake.source, "v3"))
		return;
	fake_write(fake.source, "b.c", "b\n");
	fake_write(fake.source, "e.txt", "of the fourth\n");
	if (!commit(fake.source, "v4"))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
		cleanup_kernel struct built_kernel kernel = { .folder = NULL };
		cleanup_free char *text = NULL;

		if (!build(&fake, steps[i].ref, &kernel))
			return;
		text = fake_read(kernel.folder, "vmlinux");
		test_check_contains(text, steps[i].holds);
		CU_ASSERT_PTR_NULL(strstr(text, steps[i].holds_not));
	}
}

/* An edited folder is one source after another, too. */
static void test_folder_edited_twice(void)
{
	static const char *const edits[] = { "b, first", "b, second", "b, the third" };
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(edits); i++) {
		cleanup_kernel struct built_kernel kernel = { .folder = NULL };
		cleanup_free char *text = NULL;
		struct error err = ERROR_INIT;

		/* of different lengths, since all are as old */
		fake_write(fake.source, "b.c", "%s\n", edits[i]);
		if (!test_check(fake_build(&fake, &plain, &kernel, &err) == 0))
			return;
		text = fake_read(kernel.folder, "vmlinux");
		test_check_contains(text, edits[i]);
	}
}

/* A tree of another kind that has the same files serves as well. */
static void test_starts_from_a_folder(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel folder = { .folder = NULL };
	cleanup_kernel struct built_kernel second = { .folder = NULL };
	struct error err = ERROR_INIT;

	if (!open_repository(&fake) ||
	    !test_check(fake_build(&fake, &plain, &folder, &err) == 0) ||
	    !build(&fake, "v1", &second))
		return;
	/* the folder is at v2: b.c differs, the rest does not */
	CU_ASSERT_EQUAL(fake_record_number(&second, "objects_count"), 1);
}

static void test_names_a_missing_commit(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	struct error err = ERROR_INIT;

	if (!open_repository(&fake))
		return;
	set_ref(&fake, "v3");
	CU_ASSERT_EQUAL(fake_build(&fake, &plain, &kernel, &err), -EREMOTEIO);
	test_check_contains(err.message, "has no commit 'v3'");
}

TEST_SUITE("kernel_source_git",
	   {"the next commit compiles what changed", test_next_commit_compiles_what_changed},
	   {"commits share files", test_commits_share_files},
	   {"commits one after another", test_commits_one_after_another},
	   {"a folder that is edited twice", test_folder_edited_twice},
	   {"starts from a folder", test_starts_from_a_folder},
	   {"names a missing commit", test_names_a_missing_commit})
