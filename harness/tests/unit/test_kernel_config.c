/* test_kernel_config.c - kernel bases from files, and how they can be wrong. */
#include "campaign.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "test.h"

static void cleanup_base_(struct kernel_base *base)
{
	kernel_base_release(base);
}

#define cleanup_base cleanup_with(cleanup_base_)

static int load_base(const char *text, struct kernel_base *base,
		     struct error *err)
{
	const char *root = test_temp_folder();
	cleanup_free char *folder = path_join(root, "kernel/bases");
	cleanup_free char *path = path_join(folder, "k.yaml");

	if (!test_check(folder_make(folder) == 0) ||
	    !test_check(file_write_atomic(path, text, strlen(text), 0644) == 0))
		return -EIO;
	return kernel_base_load(root, "k", base, err);
}

static void refuse_base(const char *text, const char *message)
{
	cleanup_base struct kernel_base base = { .name = NULL };
	cleanup_free char *whole = string_format("k.yaml:%s", message);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(load_base(text, &base, &err), -EINVAL);
	test_check_contains(err.message, whole);
	CU_ASSERT_PTR_NULL(base.name);
}

#define ZEROS16 "0000000000000000"
#define SHA ZEROS16 ZEROS16 ZEROS16 "00000000deadbeef"

static void test_base(void)
{
	cleanup_base struct kernel_base base = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!test_check(load_base(
		"version: '7.3.4'\nsources:\n"
		"  - {kind: debian, package: linux-source-7.3, suite: trixie-backports, "
		"package_version: 7.3.4-1~bpo13+1}\n"
		"  - {kind: git, url: 'https://example.org/linux.git', ref: v7.3.4}\n"
		"  - {kind: tarball, location: 'https://example.org/l.tar.xz', sha256: "
		"'" SHA "'}\n"
		"  - {kind: tarball, location: l.tar.xz, sha256: '" SHA "'}\n"
		"  - {kind: dir, path: ../tree}\n", &base, &err) == 0)) {
		test_check_string(err.message, "");
		return;
	}
	test_check_string(base.name, "k");
	test_check_string(base.version, "7.3.4");
	CU_ASSERT_EQUAL(base.sources_count, 5);
	CU_ASSERT_EQUAL(base.sources[0].kind, SOURCE_DEBIAN);
	test_check_string(base.sources[0].suite, "trixie-backports");
	test_check_string(base.sources[0].package_version, "7.3.4-1~bpo13+1");
	test_check_string(base.sources[1].ref, "v7.3.4");
	test_check_string(base.sources[2].location,
			  "https://example.org/l.tar.xz");
	CU_ASSERT_EQUAL(base.sources[3].location[0], '/');
	test_check_contains(base.sources[3].location, "/kernel/bases/l.tar.xz");
	test_check_string(base.sources[3].sha256, SHA);
	CU_ASSERT_EQUAL(base.sources[4].path[0], '/');
}

#define ONE "version: \"7.3\"\nsources:\n  - "

static void test_bad_bases(void)
{
	refuse_base("sources: [{kind: dir, path: x}]\n",
		    "1:1: kernel base lacks the key 'version'");
	refuse_base("version: 7.3\nsources: [{kind: dir, path: x}]\n",
		    "1:10: version: expected text (in quotes where it looks like "
		    "a number or true/false), found '7.3'");
	refuse_base("version: '7'\nsources: [{kind: dir, path: x}]\n",
		    "1:10: version: expected a version such as");
	refuse_base("version: 7.3.4.5\nsources: [{kind: dir, path: x}]\n",
		    "1:10: version: expected a version such as");
	refuse_base("version: v7.3\nsources: [{kind: dir, path: x}]\n",
		    "1:10: version: expected a version such as");
	refuse_base("version: '7.3'\nsources: []\n",
		    "2:10: sources: expected 1..16 elements, found 0");
	refuse_base(ONE "{path: x}\n", "3:5: source lacks the key 'kind'");
	refuse_base(ONE "dir\n", "3:5: source: expected a mapping, found 'dir'");
	refuse_base(ONE "{kind: zip, path: x}\n",
		    "3:12: kind: found 'zip'; expected one of debian, git, "
		    "tarball, dir");
	refuse_base(ONE "{kind: dir}\n", "3:5: dir source lacks the key 'path'");
	refuse_base(ONE "{kind: dir, path: x, ref: y}\n",
		    "3:26: unknown key 'ref' in dir source; expected one of kind, "
		    "path");
	refuse_base(ONE "{kind: debian, package: linux}\n",
		    "3:5: debian source lacks the key 'suite'");
	refuse_base(ONE "{kind: debian, package: 'a;b', suite: s}\n",
		    "3:29: package: expected the name of a Debian package");
	refuse_base(ONE "{kind: debian, package: a, suite: '--x'}\n",
		    "3:39: suite: expected the name of a Debian suite");
	refuse_base(ONE "{kind: debian, package: a, suite: b, package_version: '1 2'}\n",
		    "3:59: package_version: expected a version of the package");
	refuse_base(ONE "{kind: debian, package: a, suite: b, package_version: '=1'}\n",
		    "3:59: package_version: expected a version of the package");
}

static void test_bad_sources(void)
{
	refuse_base(ONE "{kind: git, url: 'ext::sh -c x', ref: v1}\n",
		    "3:22: url: expected a URL (https, http, git, ssh, file)");
	refuse_base(ONE "{kind: git, url: --upload-pack=x, ref: v1}\n",
		    "3:22: url: expected a URL");
	refuse_base(ONE "{kind: git, url: /srv/linux, ref: --all}\n",
		    "3:39: ref: expected a tag, branch or commit, found '--all'");
	refuse_base(ONE "{kind: git, url: /srv/linux, ref: a..b}\n",
		    "3:39: ref: expected a tag, branch or commit, found 'a..b'");
	refuse_base(ONE "{kind: tarball, location: l.tar.xz}\n",
		    "3:5: tarball source lacks the key 'sha256'");
	refuse_base(ONE "{kind: tarball, location: l.tar.xz, sha256: abc}\n",
		    "3:49: sha256: expected 64 lower-case hex digits, found 'abc'");
	refuse_base(ONE "{kind: tarball, location: 'ftp://x/l', sha256: '" SHA
			"'}\n",
		    "3:31: location: expected a path or a URL (https, http)");
}

static void test_shipped(void)
{
	cleanup_base struct kernel_base base = { .name = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(kernel_base_load(test_root(), "linux-7.3", &base, &err),
			0);
	test_check_string(err.message, "");
	test_check_string(base.version, "7.3");
	if (!test_check(base.sources_count >= 2))
		return;
	CU_ASSERT_EQUAL(base.sources[0].kind, SOURCE_DEBIAN);
	CU_ASSERT_EQUAL(base.sources[base.sources_count - 1].kind, SOURCE_GIT);
}

static void test_missing_base(void)
{
	cleanup_base struct kernel_base base = { .name = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(kernel_base_load(test_root(), "linux-73", &base, &err),
			-ENOENT);
	test_check_contains(err.message, "(did you mean 'linux-7.3'?)");
}

TEST_SUITE("kernel_config",
	   {"reads a base", test_base},
	   {"what comes with kerngate", test_shipped},
	   {"refuses bad bases", test_bad_bases},
	   {"refuses bad sources", test_bad_sources},
	   {"refuses missing bases", test_missing_base})
