/* test_kernel_source.c - where sources come from: folders, tarballs, git and
 * Debian (with an apt-get of our own in PATH), one after the other.
 */
#include "kernel_source.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fake_kernel.h"
#include "files.h"
#include "hash.h"
#include "memory.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_close)
#define cleanup_kernel cleanup_with(built_kernel_release)

static const struct build_options plain = { .label = "test" };

static void set_source(struct fake *fake, struct source_spec source)
{
	source_spec_release(&fake->spec.base.sources[0]);
	fake->spec.base.sources[0] = source;
}

static void add_source(struct fake *fake, struct source_spec source)
{
	struct kernel_base *base = &fake->spec.base;

	base->sources = memory_realloc_array(base->sources,
					     base->sources_count + 1,
					     sizeof(*base->sources));
	base->sources[base->sources_count++] = source;
}

static bool build(struct fake *fake, struct built_kernel *ret_kernel)
{
	struct error err;

	if (test_check(fake_build(fake, &plain, ret_kernel, &err) == 0))
		return true;
	fprintf(stderr, "%s\n", err.message);
	return false;
}

static void check_refused(struct fake *fake, int code, const char *const *parts)
{
	struct built_kernel kernel = { .folder = NULL };
	struct error err;

	if (!test_check(fake_build(fake, &plain, &kernel, &err) == code))
		fprintf(stderr, "code %d: %s\n", err.code, err.message);
	for (; *parts; parts++)
		test_check_contains(err.message, *parts);
	built_kernel_release(&kernel);
}

/* --- folders ------------------------------------------------------------------------- */

static void test_edited_folder_is_another_source(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel first = { .folder = NULL };
	cleanup_kernel struct built_kernel second = { .folder = NULL };
	cleanup_free char *text = NULL;

	if (!fake_open(&fake) || !build(&fake, &first))
		return;
	fake_write(fake.source, "b.c", "b, edited\n");
	fake_write(fake.source, "new.h", "not used\n");
	if (!build(&fake, &second))
		return;
	CU_ASSERT_STRING_NOT_EQUAL(first.key, second.key);
	text = fake_read(second.folder, "vmlinux");
	test_check_contains(text, "b, edited");
	/* Cloned across the two sources: just the edited file is compiled. */
	CU_ASSERT_EQUAL(fake_record_number(&second, "objects_count"), 1);
}

static void test_folder_leaves_build_output_behind(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *text = NULL;

	if (!fake_open(&fake))
		return;
	fake_write(fake.source, "a.o", "stale\n");
	fake_write(fake.source, ".a.o.cmd", "stale\n");
	fake_write(fake.source, "vmlinux", "stale\n");
	fake_write(fake.source, "include/generated/x.h", "stale\n");
	if (!build(&fake, &kernel))
		return;
	text = fake_read(kernel.folder, "vmlinux");
	test_check_contains(text, "first\none\nlast\n");
	CU_ASSERT_EQUAL(fake_record_number(&kernel, "objects_count"), 3);
}

static void test_folder_is_not_written_to(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *before = NULL, *after = NULL;

	if (!fake_open(&fake))
		return;
	before = fake_digest(fake.source);
	fake_add_patch(&fake, "s", fake_patch_a);
	if (!build(&fake, &kernel))
		return;
	after = fake_digest(fake.source);
	test_check_string(after, before);
}

static void test_refuses_folders_that_are_no_kernel(void)
{
	static const char *const missing[] = { "no such folder", "dir ", NULL };
	static const char *const other[] = { "7.3.9", "expected 7.4", NULL };
	static const char *const strange[] = { "no kernel's Makefile", NULL };
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	free(fake.spec.base.version);
	fake.spec.base.version = string_copy("7.4");
	check_refused(&fake, -EINVAL, other);
	free(fake.spec.base.version);
	fake.spec.base.version = string_copy("7");
	fake_write(fake.source, "Makefile", "all:\n");
	check_refused(&fake, -EINVAL, strange);
	free(fake.spec.base.sources[0].path);
	fake.spec.base.sources[0].path = string_copy("/nowhere/at/all");
	check_refused(&fake, -ENOENT, missing);
}

static void test_version_is_a_whole_prefix(void)
{
	static const char *const parts[] = { "version 7.3.9", NULL };
	cleanup_fake struct fake fake;
	cleanup_free char *version = NULL;

	if (!fake_open(&fake))
		return;
	CU_ASSERT_EQUAL(kernel_source_version(fake.source, &version, NULL), 0);
	test_check_string(version, "7.3.9");
	free(fake.spec.base.version);
	fake.spec.base.version = string_copy("7.3.");
	check_refused(&fake, -EINVAL, parts);
}

/* --- tarballs ------------------------------------------------------------------------ */

/* source/ packed; the spec names it. */
static bool use_tarball(struct fake *fake)
{
	const char *const pack[] = { "tar", "-cJf", "s.tar.xz", "source", NULL };
	char sha256[SHA256_HEX_SIZE];
	char *path = path_join(fake->folder, "s.tar.xz");

	if (!test_check(fake_run(fake->folder, pack)) ||
	    !test_check(sha256_of_file(path, sha256) == 0)) {
		free(path);
		return false;
	}
	set_source(fake, (struct source_spec){
		.kind = SOURCE_TARBALL, .location = path,
		.sha256 = string_copy(sha256),
	});
	return true;
}

static void test_tarball(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };

	if (!fake_open(&fake) || !use_tarball(&fake))
		return;
	if (build(&fake, &kernel))
		test_check_contains(kernel.record,
				    fake.spec.base.sources[0].sha256);
}

static void test_refuses_a_wrong_checksum(void)
{
	static const char *const parts[] = { "SHA-256", "expected 00", NULL };
	cleanup_fake struct fake fake;
	cleanup_free char *fetch = NULL, *sources = NULL;
	cleanup_strvec struct strvec names = STRVEC_INIT;

	if (!fake_open(&fake) || !use_tarball(&fake))
		return;
	memset(fake.spec.base.sources[0].sha256, '0', 64);
	check_refused(&fake, -EBADMSG, parts);
	/* Nothing was unpacked, nothing stays. */
	fetch = path_join(fake.cache_path, "fetch");
	CU_ASSERT_FALSE(path_exists(fetch));
	sources = path_join(fake.cache_path, "sources");
	CU_ASSERT_EQUAL(folder_list(sources, &names), 0);
	CU_ASSERT_EQUAL(names.count, 0);
}

static void test_refuses_tarballs_without_a_kernel(void)
{
	static const char *const parts[] = { "no kernel tree", NULL };
	static const char *const missing[] = { "gone.tar", NULL };
	const char *const pack[] = { "tar", "-cf", "s.tar", "wanted.config", NULL };
	cleanup_fake struct fake fake;
	char sha256[SHA256_HEX_SIZE];
	char *path;

	if (!fake_open(&fake) || !test_check(fake_run(fake.folder, pack)))
		return;
	path = path_join(fake.folder, "s.tar");
	CU_ASSERT_EQUAL(sha256_of_file(path, sha256), 0);
	set_source(&fake, (struct source_spec){
		.kind = SOURCE_TARBALL, .location = path,
		.sha256 = string_copy(sha256),
	});
	check_refused(&fake, -EINVAL, parts);
	free(fake.spec.base.sources[0].location);
	fake.spec.base.sources[0].location = path_join(fake.folder, "gone.tar");
	/* The checksum is the key: another one, or it would be the same. */
	fake.spec.base.sources[0].sha256[0] ^= 1;
	check_refused(&fake, -ENOENT, missing);
}

/* --- git ------------------------------------------------------------------------------ */

static bool make_repository(const char *folder)
{
	static const char *const commands[][9] = {
		{ "git", "init", "--quiet", "." },
		{ "git", "add", "." },
		{ "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit",
		  "--quiet", "-mx" },
		{ "git", "tag", "v7.3.9" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
		if (!test_check(fake_run(folder, commands[i])))
			return false;
	return true;
}

static void test_git(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_strvec struct strvec keys = STRVEC_INIT;
	cleanup_free char *sources = NULL;

	if (!fake_open(&fake) || !make_repository(fake.source))
		return;
	set_source(&fake, (struct source_spec){
		.kind = SOURCE_GIT, .ref = string_copy("v7.3.9"),
		.url = string_format("file://%s", fake.source),
	});
	if (!build(&fake, &kernel))
		return;
	test_check_contains(kernel.record, "\"identity\": \"commit:");
	test_check_contains(kernel.record, "\"detail\": \"v7.3.9\"");
	sources = path_join(fake.cache_path, "sources");
	CU_ASSERT_EQUAL(folder_list(sources, &keys), 0);
	if (test_check(keys.count == 1)) {
		cleanup_free char *git = string_format(
			"%s/%s/tree/.git", sources, keys.items[0]);

		CU_ASSERT_FALSE(path_exists(git));
	}
}

static void test_refuses_unknown_refs(void)
{
	static const char *const parts[] = { "git file://", "v9", NULL };
	static const char *const option[] = { "expected a tag", NULL };
	cleanup_fake struct fake fake;

	if (!fake_open(&fake) || !make_repository(fake.source))
		return;
	set_source(&fake, (struct source_spec){
		.kind = SOURCE_GIT, .ref = string_copy("v9"),
		.url = string_format("file://%s", fake.source),
	});
	check_refused(&fake, -EREMOTEIO, parts);
	free(fake.spec.base.sources[0].ref);
	fake.spec.base.sources[0].ref = string_copy("--upload-pack=false");
	check_refused(&fake, -EINVAL, option);
}

/* Patches apply inside a repository too, and ignored files stay behind. */
static void test_folder_that_is_a_repository(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *text = NULL;

	if (!fake_open(&fake))
		return;
	fake_write(fake.source, ".gitignore", "extra.mk\n");
	if (!make_repository(fake.source) || !make_repository(fake.folder))
		return;
	fake_write(fake.source, "extra.mk", "objects :=\n");
	fake_write(fake.source, "b.c", "uncommitted\n");
	fake_add_patch(&fake, "s", fake_patch_a);
	if (!build(&fake, &kernel))
		return;
	text = fake_read(kernel.folder, "vmlinux");
	test_check_contains(text, "first\ntwo\nlast\n");
	test_check_contains(text, "uncommitted");
	test_check_contains(kernel.record, "-dirty");
}

/* --- Debian --------------------------------------------------------------------------- */

static const char fake_apt_get[] =
	"#!/bin/sh\n"
	"echo \"$@\" >>%1$s/apt-calls\n"
	"case \"$*\" in\n"
	"*indextargets*) cat %1$s/targets;;\n"
	"*print-uris*) cat %1$s/uris;;\n"
	"*update*) cp apt.conf sources.list %1$s/;;\n"
	"*download*) cp %1$s/linux-source-7.3_7.3.9-1_all.deb .;;\n"
	"esac\n";

/* A package as Debian makes it, and an apt-get that has it. */
static bool make_archive(struct fake *fake)
{
	const char *const rename_it[] = { "mv", "source", "linux-source-7.3", NULL };
	const char *const pack[] = { "tar", "-cJf", "linux-source-7.3.tar.xz",
				     "linux-source-7.3", NULL };
	const char *const wrap[] = { "tar", "-cJf", "data.tar.xz",
				     "linux-source-7.3.tar.xz", NULL };
	const char *const outer[] = { "ar", "rcD",
				      "linux-source-7.3_7.3.9-1_all.deb",
				      "data.tar.xz", NULL };
	cleanup_free char *bin = path_join(fake->folder, "bin");
	cleanup_free char *program = path_join(bin, "apt-get");

	if (!test_check(fake_run(fake->folder, rename_it)) ||
	    !test_check(fake_run(fake->folder, pack)) ||
	    !test_check(fake_run(fake->folder, wrap)) ||
	    !test_check(fake_run(fake->folder, outer)))
		return false;
	fake_write(bin, "apt-get", fake_apt_get, fake->folder);
	fake_write(fake->folder, "uris", "'http://m/x.deb' "
		   "linux-source-7.3_7.3.9-1_all.deb 1000 SHA256:%064d\n", 7);
	fake_write(fake->folder, "targets",
		   "main|Debian|x-security|x-security|stable-security|http://s/debian-security/\n"
		   "main|Other|x|x|stable|http://other/debian/\n"
		   "contrib|Debian|x|x|stable|http://contrib/debian/\n"
		   "main|Debian|x|x|stable|http://mirror/debian/\n");
	set_source(fake, (struct source_spec){
		.kind = SOURCE_DEBIAN, .suite = string_copy("x-backports"),
		.package = string_copy("linux-source-7.3"),
	});
	return test_check(chmod(program, 0755) == 0);
}

/* PATH with folder/bin before it; returns the old one; owned. */
static char *enter_path(const struct fake *fake)
{
	char *old = string_copy(getenv("PATH"));
	cleanup_free char *path = string_format("%s/bin:%s", fake->folder, old);

	setenv("PATH", path, 1);
	return old;
}

static void leave_path(char *old)
{
	setenv("PATH", old, 1);
	free(old);
}

static void test_debian(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *list = NULL, *configuration = NULL;
	char *old_path;

	if (!fake_open(&fake) || !make_archive(&fake))
		return;
	if (!path_exists("/usr/share/keyrings/debian-archive-keyring.gpg")) {
		test_skip("needs debian-archive-keyring");
		return;
	}
	old_path = enter_path(&fake);
	if (build(&fake, &kernel)) {
		test_check_contains(kernel.record, "\"detail\": \"7.3.9-1\"");
		test_check_contains(kernel.record, "http://m/x.deb");
	}
	leave_path(old_path);
	list = fake_read(fake.folder, "sources.list");
	test_check_contains(list, "[signed-by=/usr/share/keyrings/");
	test_check_contains(list, "http://mirror/debian/ x-backports main\n");
	configuration = fake_read(fake.folder, "apt.conf");
	test_check_contains(configuration,
			    "APT::Get::AllowUnauthenticated \"false\"");
	test_check_contains(configuration, "Dir::State::Lists");
}

static void test_debian_without_a_mirror(void)
{
	static const char *const parts[] = { "no Debian archive", NULL };
	cleanup_fake struct fake fake;
	char *old_path;

	if (!fake_open(&fake) || !make_archive(&fake))
		return;
	fake_write(fake.folder, "targets", "main|Other|x|x|stable|http://other/\n");
	old_path = enter_path(&fake);
	check_refused(&fake, -ENOENT, parts);
	leave_path(old_path);
}

static void test_debian_with_strange_answers(void)
{
	static const char *const parts[] = { "unexpected answer", NULL };
	static const char *const answers[] = {
		"", "nonsense\n", "'http://m/x.deb' ../x_1_all.deb 10 SHA256:00\n",
	};
	cleanup_fake struct fake fake;
	char *old_path;

	if (!fake_open(&fake) || !make_archive(&fake))
		return;
	if (!path_exists("/usr/share/keyrings/debian-archive-keyring.gpg")) {
		test_skip("needs debian-archive-keyring");
		return;
	}
	old_path = enter_path(&fake);
	for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
		fake_write(fake.folder, "uris", "%s", answers[i]);
		check_refused(&fake, -EBADMSG, parts);
	}
	leave_path(old_path);
}

/* --- several --------------------------------------------------------------------------- */

static struct source_spec missing_folder(const char *path)
{
	return (struct source_spec){ .kind = SOURCE_DIR,
				     .path = string_copy(path) };
}

static void test_takes_the_first_that_serves(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	struct source_spec good;

	if (!fake_open(&fake))
		return;
	good = fake.spec.base.sources[0];
	fake.spec.base.sources[0] = missing_folder("/nowhere/first");
	add_source(&fake, good);
	add_source(&fake, missing_folder("/nowhere/third"));
	if (build(&fake, &kernel))
		test_check_contains(kernel.record, fake.source);
}

static void test_lists_all_that_failed(void)
{
	static const char *const parts[] = {
		"no source of fake", "dir /nowhere/first: ", "no such folder",
		"\n  git file:///nowhere/second v1: ",
		"\n  tarball /nowhere/third.tar: ", NULL,
	};
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	set_source(&fake, missing_folder("/nowhere/first"));
	add_source(&fake, (struct source_spec){
		.kind = SOURCE_GIT, .url = string_copy("file:///nowhere/second"),
		.ref = string_copy("v1"),
	});
	add_source(&fake, (struct source_spec){
		.kind = SOURCE_TARBALL, .location = string_copy("/nowhere/third.tar"),
		.sha256 = string_format("%064d", 0),
	});
	check_refused(&fake, -ENOENT, parts);
}

static void test_no_source_at_all(void)
{
	static const char *const parts[] = { "no source of fake", NULL };
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	source_spec_release(&fake.spec.base.sources[0]);
	fake.spec.base.sources_count = 0;
	check_refused(&fake, -ENOENT, parts);
}

TEST_SUITE("kernel_source",
	   {"edited folder is another source", test_edited_folder_is_another_source},
	   {"folder leaves build output behind",
	    test_folder_leaves_build_output_behind},
	   {"folder is not written to", test_folder_is_not_written_to},
	   {"refuses folders that are no kernel",
	    test_refuses_folders_that_are_no_kernel},
	   {"version is a whole prefix", test_version_is_a_whole_prefix},
	   {"tarball", test_tarball},
	   {"refuses a wrong checksum", test_refuses_a_wrong_checksum},
	   {"refuses tarballs without a kernel",
	    test_refuses_tarballs_without_a_kernel},
	   {"git", test_git},
	   {"refuses unknown refs", test_refuses_unknown_refs},
	   {"folder that is a repository", test_folder_that_is_a_repository},
	   {"debian", test_debian},
	   {"debian without a mirror", test_debian_without_a_mirror},
	   {"debian with strange answers", test_debian_with_strange_answers},
	   {"takes the first that serves", test_takes_the_first_that_serves},
	   {"lists all that failed", test_lists_all_that_failed},
	   {"no source at all", test_no_source_at_all})
