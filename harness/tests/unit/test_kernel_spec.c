/* test_kernel_spec.c - kernel specs as values, series and fragments as texts. */
#include "kernel_spec.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "test.h"

static void test_copy(void)
{
	struct kernel_spec from = { .cc = string_copy("gcc") }, to;

	from.base.name = string_copy("b");
	from.base.version = string_copy("7.3");
	from.base.sources_count = 2;
	from.base.sources = memory_alloc_array(2, sizeof(*from.base.sources));
	from.base.sources[0].kind = SOURCE_DEBIAN;
	from.base.sources[0].package = string_copy("linux");
	from.base.sources[0].suite = string_copy("trixie");
	from.base.sources[1].kind = SOURCE_DIR;
	from.base.sources[1].path = string_copy("/src");
	strvec_push(&from.series, "/s/one");
	strvec_push(&from.fragments, "/f/a.config");
	strvec_push(&from.fragments, "/f/b.config");
	kernel_spec_copy(&to, &from);
	kernel_spec_release(&from); /* the copy stands by itself */
	CU_ASSERT_PTR_NULL(from.base.sources);
	test_check_string(to.base.name, "b");
	test_check_string(to.base.version, "7.3");
	CU_ASSERT_EQUAL(to.base.sources_count, 2);
	test_check_string(to.base.sources[0].suite, "trixie");
	CU_ASSERT_PTR_NULL(to.base.sources[0].url);
	CU_ASSERT_EQUAL(to.base.sources[1].kind, SOURCE_DIR);
	test_check_string(to.base.sources[1].path, "/src");
	CU_ASSERT_EQUAL(to.fragments.count, 2);
	test_check_string(to.fragments.items[1], "/f/b.config");
	test_check_string(to.cc, "gcc");
	kernel_spec_release(&to);
	CU_ASSERT_PTR_NULL(to.base.sources);
	kernel_spec_release(&to); /* twice does no harm */
}

static void test_source_kinds(void)
{
	test_check_string(source_kind_name(SOURCE_DEBIAN), "debian");
	test_check_string(source_kind_name(SOURCE_GIT), "git");
	test_check_string(source_kind_name(SOURCE_TARBALL), "tarball");
	test_check_string(source_kind_name(SOURCE_DIR), "dir");
}

/* --- series -------------------------------------------------------------------- */

static void test_series(void)
{
	cleanup_strvec struct strvec patches = STRVEC_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(patch_series_parse(
		"series", "# why\n0001-a.patch\n\n  sub/0002-b.patch -p1 # so\n"
			  "0003#c.patch\t-p1", &patches, &err), 0);
	if (!test_check(patches.count == 3))
		return;
	test_check_string(patches.items[0], "0001-a.patch");
	test_check_string(patches.items[1], "sub/0002-b.patch");
	test_check_string(patches.items[2], "0003#c.patch");
	CU_ASSERT_EQUAL(err.code, 0);
}

static void test_empty_series(void)
{
	cleanup_strvec struct strvec patches = STRVEC_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(patch_series_parse("series", "# none yet\n", &patches,
					   &err), 0);
	CU_ASSERT_EQUAL(patches.count, 0);
}

static void refuse_series(const char *text, const char *message)
{
	cleanup_strvec struct strvec patches = STRVEC_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(patch_series_parse("series", text, &patches, &err),
			-EINVAL);
	test_check_string(err.message, message);
	CU_ASSERT_EQUAL(patches.count, 0);
}

static void test_bad_series(void)
{
	refuse_series("a.patch\nb.patch -p0\n",
		      "series:2: an option other than -p1: 'b.patch -p0'");
	refuse_series("a.patch -R", "series:1: an option other than -p1: "
				    "'a.patch -R'");
	refuse_series("a.patch b.patch", "series:1: an option other than -p1: "
					 "'a.patch b.patch'");
	refuse_series("/etc/passwd\n", "series:1: an absolute path; expected one "
				       "below the series folder: '/etc/passwd'");
	refuse_series("x/../../y\n", "series:1: '..' in a name; expected one "
				     "below the series folder: 'x/../../y'");
	refuse_series("-p1\n", "series:1: an option without a patch before it: "
			       "'-p1'");
	refuse_series("a\nb\na\n", "series:3: a patch that is there twice: 'a'");
	refuse_series("a.patch\r\n", "series:1: a control character in a name: "
				     "'a.patch\r'");
}

/* --- fragments ----------------------------------------------------------------- */

static void cleanup_requests(struct config_requests *requests)
{
	config_requests_release(requests);
}

#define cleanup_config_requests cleanup_with(cleanup_requests)

static void check_request(const struct config_requests *requests, size_t i,
			  const char *option, const char *value,
			  const char *origin)
{
	if (!test_check(i < requests->count))
		return;
	test_check_string(requests->items[i].option, option);
	test_check_string(requests->items[i].value, value);
	test_check_string(requests->items[i].origin, origin);
}

static void test_requests(void)
{
	cleanup_config_requests struct config_requests requests =
		CONFIG_REQUESTS_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(config_requests_add(
		&requests, "a.config",
		"# a comment\n\nCONFIG_SMP=y\n# CONFIG_USB is not set\n"
		"CONFIG_NR_CPUS=64  \nCONFIG_BASE=0x1F\nCONFIG_N=-1\n"
		"CONFIG_NAME=\"a \\\" b\"\nCONFIG_OFF=n\n"
		"# CONFIG_ is what options begin with\n", &err), 0);
	CU_ASSERT_EQUAL(requests.count, 7);
	check_request(&requests, 0, "CONFIG_SMP", "y", "a.config:3");
	check_request(&requests, 1, "CONFIG_USB", "n", "a.config:4");
	check_request(&requests, 2, "CONFIG_NR_CPUS", "64", "a.config:5");
	check_request(&requests, 3, "CONFIG_BASE", "0x1F", "a.config:6");
	check_request(&requests, 4, "CONFIG_N", "-1", "a.config:7");
	check_request(&requests, 5, "CONFIG_NAME", "\"a \\\" b\"", "a.config:8");
	check_request(&requests, 6, "CONFIG_OFF", "n", "a.config:9");
}

static void test_later_requests_win(void)
{
	cleanup_config_requests struct config_requests requests =
		CONFIG_REQUESTS_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(config_requests_add(&requests, "a", "CONFIG_A=y\n"
					    "CONFIG_B=y\n", &err), 0);
	CU_ASSERT_EQUAL(config_requests_add(&requests, "b",
					    "\n# CONFIG_A is not set\n", &err),
			0);
	CU_ASSERT_EQUAL(requests.count, 2);
	check_request(&requests, 0, "CONFIG_A", "n", "b:2");
	check_request(&requests, 1, "CONFIG_B", "y", "a:2");
}

static void refuse_fragment(const char *line)
{
	cleanup_config_requests struct config_requests requests =
		CONFIG_REQUESTS_INIT;
	cleanup_free char *text = string_format("CONFIG_A=y\n%s\n", line);
	cleanup_free char *message = string_format(
		"f.config:2: expected CONFIG_X=value or '# CONFIG_X is not "
		"set', found '%s'", line);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(config_requests_add(&requests, "f.config", text, &err),
			-EINVAL);
	test_check_string(err.message, message);
}

static void test_bad_fragments(void)
{
	refuse_fragment("SMP=y");
	refuse_fragment("CONFIG_=y");
	refuse_fragment("CONFIG_SMP");
	refuse_fragment("CONFIG_SMP=");
	refuse_fragment("CONFIG_SMP=Y");
	refuse_fragment("CONFIG_SMP = y");
	refuse_fragment("CONFIG_S-P=y");
	refuse_fragment(" CONFIG_SMP=y");
	refuse_fragment("CONFIG_N=12a");
	refuse_fragment("CONFIG_N=0x");
	refuse_fragment("CONFIG_N=-");
	refuse_fragment("CONFIG_S=\"open");
	refuse_fragment("CONFIG_S=\"a\" b");
	refuse_fragment("CONFIG_S=\"a\\");
	refuse_fragment("# CONFIG_S-P is not set");
	refuse_fragment("CONFIG_SMP=y # why");
	refuse_fragment("select SMP");
}

static const char final_config[] =
	"#\n# Linux/x86 7.3.4 Kernel Configuration\n#\n"
	"CONFIG_SMP=y\n# CONFIG_USB is not set\nCONFIG_NR_CPUS=64\n"
	"CONFIG_NAME=\"a=b\"\nCONFIG_SMP_LONGER=m\n";

static void check_value(const char *option, const char *value)
{
	cleanup_free char *found = config_text_value(final_config, option);

	test_check_string(found, value);
}

static void test_values(void)
{
	check_value("CONFIG_SMP", "y");
	check_value("CONFIG_USB", "n");
	check_value("CONFIG_NR_CPUS", "64");
	check_value("CONFIG_NAME", "\"a=b\"");
	check_value("CONFIG_SMP_LONGER", "m");
	check_value("CONFIG_SM", "n");
	check_value("CONFIG_ABSENT", "n");
}

static void test_check_takes(void)
{
	cleanup_config_requests struct config_requests requests =
		CONFIG_REQUESTS_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(config_requests_add(
		&requests, "f", "CONFIG_SMP=y\n# CONFIG_USB is not set\n"
		"# CONFIG_NOWHERE is not set\nCONFIG_NAME=\"a=b\"\n", &err), 0);
	CU_ASSERT_EQUAL(config_requests_check(&requests, final_config, &err), 0);
	CU_ASSERT_EQUAL(err.code, 0);
}

static void test_check_names_all(void)
{
	cleanup_config_requests struct config_requests requests =
		CONFIG_REQUESTS_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(config_requests_add(
		&requests, "vm.config", "CONFIG_SMP=y\nCONFIG_USB=y\n"
		"CONFIG_NR_CPUS=8\n# CONFIG_SMP_LONGER is not set\n", &err), 0);
	CU_ASSERT_EQUAL(config_requests_check(&requests, final_config, &err),
			-EINVAL);
	test_check_contains(err.message, "did not take 3 options");
	test_check_contains(err.message, "CONFIG_USB=y, asked for at "
					 "vm.config:2, became n");
	test_check_contains(err.message, "CONFIG_NR_CPUS=8, asked for at "
					 "vm.config:3, became 64");
	test_check_contains(err.message, "CONFIG_SMP_LONGER=n, asked for at "
					 "vm.config:4, became m");
	CU_ASSERT_PTR_NULL(strstr(err.message, "CONFIG_SMP=y"));
}

TEST_SUITE("kernel_spec",
	   {"copies", test_copy},
	   {"source kinds", test_source_kinds},
	   {"reads a series", test_series},
	   {"reads an empty series", test_empty_series},
	   {"refuses bad series", test_bad_series},
	   {"reads fragments", test_requests},
	   {"later requests win", test_later_requests_win},
	   {"refuses bad fragments", test_bad_fragments},
	   {"finds values", test_values},
	   {"check takes what is there", test_check_takes},
	   {"check names all that was dropped", test_check_names_all})
