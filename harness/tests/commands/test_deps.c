/* test_deps.c - configs/deps: the installer, with a dpkg-query, apt-get and id
 * of the test's own, and the lists themselves.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "strbuf.h"
#include "test.h"

struct fake_host {
	const char *folder;   /* holds bin/, list.txt, apt.log; borrowed */
	const char *have;     /* "a b": packages installed */
	const char *user_id;
	const char *apt_status;
};

static void write_script(const char *folder, const char *name, const char *body)
{
	cleanup_free char *path = string_format("%s/bin/%s", folder, name);
	cleanup_free char *text = string_format("#!/bin/sh\n%s\n", body);

	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0755), 0);
}

/* Result of process_run; what deps.sh printed in *ret_output, owned. */
static int run_deps(const struct fake_host *host, const char *list,
		    char **ret_output)
{
	cleanup_free char *bin = path_join(host->folder, "bin");
	cleanup_free char *list_path = path_join(host->folder, "list.txt");
	cleanup_free char *log = path_join(host->folder, "output");
	cleanup_free char *path = string_format("PATH=%s:%s", bin, getenv("PATH"));
	cleanup_free char *have = string_format("HAVE= %s ", host->have);
	cleanup_free char *user = string_format("FAKE_ID=%s", host->user_id);
	cleanup_free char *apt = string_format("APT_STATUS=%s", host->apt_status);
	cleanup_free char *apt_log = string_format("APT_LOG=%s/apt.log", host->folder);
	cleanup_free char *script = path_join(test_root(), "configs/deps/deps.sh");
	const char *environment[] = { path, have, user, apt, apt_log, NULL };
	const char *argv[] = { "sh", script, list_path, NULL };
	const struct process_options options = {
		.environment = environment, .output_path = log,
		.timeout_ns = 30 * NS_PER_SECOND,
	};
	int code;

	CU_ASSERT_EQUAL(folder_make(bin), 0);
	write_script(host->folder, "dpkg-query",
		     "for name; do :; done\n"
		     "case \"$HAVE\" in *\" $name \"*) echo 'ii ';; *) exit 1;; esac");
	write_script(host->folder, "apt-get",
		     "echo \"$*\" >>\"$APT_LOG\"; echo from apt; exit $APT_STATUS");
	write_script(host->folder, "id", "echo $FAKE_ID");
	if (list)
		CU_ASSERT_EQUAL(file_write_atomic(list_path, list, strlen(list),
						  0644), 0);
	code = process_run(argv, &options, NULL, NULL);
	if (file_read(log, 1 << 20, ret_output, NULL) < 0)
		*ret_output = string_copy("");
	return code;
}

static char *apt_log_of(const struct fake_host *host)
{
	cleanup_free char *path = path_join(host->folder, "apt.log");
	char *text = NULL;

	if (file_read(path, 1 << 20, &text, NULL) < 0)
		return string_copy("");
	return text;
}

static void test_all_present(void)
{
	const struct fake_host host = { test_temp_folder(), "one two", "0", "0" };
	cleanup_free char *output = NULL, *apt = NULL;

	CU_ASSERT_EQUAL(run_deps(&host, "# all\none  # why\n\ntwo\n", &output), 0);
	test_check_string(output, "deps: all 2 packages present\n");
	apt = apt_log_of(&host);
	test_check_string(apt, "");
}

static void test_installs_as_root(void)
{
	const struct fake_host host = { test_temp_folder(), "two", "0", "0" };
	cleanup_free char *output = NULL, *apt = NULL;

	CU_ASSERT_EQUAL(run_deps(&host, "one # why\ntwo\nthree\n", &output), 0);
	test_check_contains(output, "deps: installing one three\n");
	apt = apt_log_of(&host);
	test_check_contains(apt, " update\n");
	test_check_contains(apt, " install --no-install-recommends one three\n");
	CU_ASSERT_PTR_NULL(strstr(output, "from apt"));
}

static void test_apt_fails(void)
{
	const struct fake_host host = { test_temp_folder(), "", "0", "100" };
	cleanup_free char *output = NULL;

	CU_ASSERT_EQUAL(run_deps(&host, "one\n", &output), -EREMOTEIO);
	test_check_contains(output, "from apt\n");
	test_check_contains(output, "deps: apt-get update failed\n");
}

static void test_names_them_to_others(void)
{
	const struct fake_host host = { test_temp_folder(), "two", "1000", "0" };
	cleanup_free char *output = NULL, *apt = NULL;

	CU_ASSERT_EQUAL(run_deps(&host, "one\ntwo\n", &output), -EREMOTEIO);
	test_check_string(output, "deps: missing: one\ndeps: run as root: "
			  "apt-get install --no-install-recommends one\n");
	apt = apt_log_of(&host);
	test_check_string(apt, "");
}

static void test_others_with_all(void)
{
	const struct fake_host host = { test_temp_folder(), "one", "1000", "0" };
	cleanup_free char *output = NULL;

	CU_ASSERT_EQUAL(run_deps(&host, "one\n", &output), 0);
	test_check_string(output, "deps: all 1 packages present\n");
}

static void test_missing_list(void)
{
	const struct fake_host host = { test_temp_folder(), "", "0", "0" };
	cleanup_free char *output = NULL;

	CU_ASSERT_EQUAL(run_deps(&host, NULL, &output), -EREMOTEIO);
	test_check_contains(output, "list.txt");
}

/* One package a line, each with a reason, none twice over both lists. */
static void test_lists(void)
{
	static const char *const lists[] = {
		"configs/deps/packages-run.txt", "configs/deps/packages-check.txt",
	};
	cleanup_strvec struct strvec seen = STRVEC_INIT;

	for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
		cleanup_free char *path = path_join(test_root(), lists[i]);
		cleanup_free char *text = NULL;
		char *rest, *line;

		CU_ASSERT_EQUAL(file_read(path, 1 << 20, &text, NULL), 0);
		rest = text;
		while ((line = strsep(&rest, "\n")) != NULL) {
			size_t length = strcspn(line, " #");
			cleanup_free char *name = string_copy_n(line, length);

			if (length == 0)
				continue;
			CU_ASSERT_EQUAL(strspn(name, "abcdefghijklmnopqrstuvwxyz"
					       "0123456789+-."), length);
			CU_ASSERT_PTR_NOT_NULL(strstr(line, " # "));
			CU_ASSERT_FALSE(strvec_contains(&seen, name));
			strvec_push(&seen, name);
		}
	}
	CU_ASSERT_TRUE(strvec_contains(&seen, "qemu-system-x86"));
	CU_ASSERT_TRUE(strvec_contains(&seen, "libcunit1-dev"));
}

TEST_SUITE("deps",
	   {"all present: one line, no apt", test_all_present},
	   {"root installs what is missing", test_installs_as_root},
	   {"a failure of apt is shown", test_apt_fails},
	   {"others are told what is missing", test_names_them_to_others},
	   {"others with all are fine", test_others_with_all},
	   {"a list that is missing", test_missing_list},
	   {"the lists", test_lists})
