/* test_cgroup.c - the guest's control groups (workloads/runtime/cgroup.c) against
 * folders that look like some. What the kernel itself does: the boot tests.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "memory.h"
#include "test.h"

/* The guest's own, which means the same. */
#undef printf_like
#include "../../../workloads/runtime/cgroup.c"

/* --- what the runtime gives a workload, as far as it is used ---------------------- */

static jmp_buf ending;
static char reason[512];
static uint64_t fake_ns, fake_step_ns;

void workload_broken(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	longjmp(ending, 1);
}

uint64_t clock_now_ns(void)
{
	return fake_ns += fake_step_ns;
}

int text_read(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t length;

	if (!file)
		return -errno;
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
	return (int)length;
}

int text_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "r+");

	if (!file)
		return -errno;
	fputs(text, file);
	return fclose(file) ? -errno : 0;
}

void text_write_or_broken(const char *path, const char *format, ...)
{
	workload_broken("%s: %s: not here", path, format);
}

/* --- tests -------------------------------------------------------------------------- */

static struct cgroup group_make(void)
{
	struct cgroup group;

	snprintf(group.path, sizeof(group.path), "%s", test_temp_folder());
	return group;
}

static void group_file(const struct cgroup *group, const char *name, const char *text)
{
	cleanup_free char *path = path_join(group->path, name);

	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0644), 0);
}

/* What ended the "workload"; NULL: it went on. */
#define ENDS(statement) (setjmp(ending) ? reason : ((void)(statement), (char *)NULL))

static void test_fields(void)
{
	struct cgroup group = group_make();

	group_file(&group, "cpu.stat", "usage_usec_of_old 1\nusage_usec 123456789012\n"
				       "nr_throttled 0\nlast 7");
	CU_ASSERT_EQUAL(cgroup_field_or_broken(&group, "cpu.stat", "usage_usec"),
			123456789012);
	CU_ASSERT_EQUAL(cgroup_field_or_broken(&group, "cpu.stat", "nr_throttled"), 0);
	CU_ASSERT_EQUAL(cgroup_field_or_broken(&group, "cpu.stat", "last"), 7);
}

static void test_fields_refused(void)
{
	struct cgroup group = group_make(), none = { .path = "" };

	group_file(&group, "cpu.stat", "minus -1\nword x\nempty \nlong 1x\n"
				       "huge 99999999999999999999\n");
	test_check_contains(ENDS(cgroup_field_or_broken(&group, "cpu.stat", "usage")),
			    "cpu.stat has no line usage");
	test_check_contains(ENDS(cgroup_field_or_broken(&group, "cpu.stat", "minus")),
			    "cpu.stat: expected a number, found \"-1\"");
	test_check_contains(ENDS(cgroup_field_or_broken(&group, "cpu.stat", "word")),
			    "found \"x\"");
	test_check_contains(ENDS(cgroup_field_or_broken(&group, "cpu.stat", "empty")),
			    "found \"\"");
	test_check_contains(ENDS(cgroup_field_or_broken(&group, "cpu.stat", "long")),
			    "found \"1x\"");
	test_check_contains(ENDS(cgroup_field_or_broken(&group, "cpu.stat", "huge")),
			    "found \"999");
	test_check_contains(ENDS(cgroup_field_or_broken(&group, "memory.stat", "anon")),
			    "memory.stat: No such file");
	test_check_contains(ENDS(cgroup_field_or_broken(&none, "cpu.stat", "usage")),
			    "cpu.stat of a control group that is not there");
}

static void test_numbers(void)
{
	struct cgroup group = group_make();

	group_file(&group, "memory.current", "4096\n");
	group_file(&group, "memory.max", "max\n");
	group_file(&group, "memory.high", "maximum\n");
	group_file(&group, "cpu.max", "max 100000\n");
	CU_ASSERT_EQUAL(cgroup_number_or_broken(&group, "memory.current"), 4096);
	CU_ASSERT_EQUAL(cgroup_number_or_broken(&group, "memory.max"), UINT64_MAX);
	test_check_contains(ENDS(cgroup_number_or_broken(&group, "memory.high")),
			    "memory.high: expected a number, found \"maximum");
	test_check_contains(ENDS(cgroup_number_or_broken(&group, "cpu.max")),
			    "cpu.max: expected a number");
	test_check_contains(ENDS(cgroup_number_or_broken(&group, "memory.low")),
			    "memory.low: No such file");
}

static void test_writes(void)
{
	struct cgroup group = group_make();
	cleanup_free char *path = path_join(group.path, "cpu.max");
	char text[32];

	group_file(&group, "cpu.max", "");
	cgroup_write_or_broken(&group, "cpu.max", "%u %u", 50000u, 100000u);
	CU_ASSERT_EQUAL(text_read(path, text, sizeof(text)), 12);
	test_check_string(text, "50000 100000");
	CU_ASSERT_EQUAL(cgroup_write(&group, "cpu.weight", "1"), -ENOENT);
	test_check_contains(ENDS(cgroup_write_or_broken(&group, "cpu.weight", "%d", 7)),
			    "cpu.weight: No such file");
	test_check_contains(reason, "writing 7 to ");
	test_check_contains(ENDS(cgroup_move_or_broken(&group, 12)), "writing 12 to ");
	test_check_contains(reason, "/cgroup.procs");
	test_check_contains(ENDS(cgroup_move_thread_or_broken(&group, 13)),
			    "/cgroup.threads");
	test_check_contains(ENDS(cgroup_make_threaded_or_broken(&group)),
			    "writing threaded to ");
}

static void test_removes(void)
{
	struct cgroup group = group_make(), none = { .path = "" };
	cleanup_free char *events = path_join(group.path, "cgroup.events");

	CU_ASSERT_EQUAL(cgroup_remove(&none), 0);
	CU_ASSERT_EQUAL(cgroup_remove(&group), -ENOENT);
	group_file(&group, "cgroup.events", "populated 0\nfrozen 0\n");
	/* An ordinary folder is not empty with a file in it. */
	CU_ASSERT_EQUAL(cgroup_remove(&group), -ENOTEMPTY);
	CU_ASSERT_TRUE(*group.path);
	/* The first look at the clock says until when, the second that it is over. */
	group_file(&group, "cgroup.events", "populated 1\nfrozen 0\n");
	fake_step_ns = 2 * REMOVE_NS;
	CU_ASSERT_EQUAL(cgroup_remove(&group), -ETIMEDOUT);
	CU_ASSERT_TRUE(*group.path);
	CU_ASSERT_EQUAL(unlink(events), 0);
}

static void test_lists(void)
{
	CU_ASSERT_TRUE(list_has("cpu memory\n", "cpu", 3));
	CU_ASSERT_TRUE(list_has("cpuset cpu memory\n", "cpu", 3));
	CU_ASSERT_TRUE(list_has("io memory\n", "memory", 6));
	CU_ASSERT_TRUE(list_has("cpu", "cpu", 3));
	CU_ASSERT_FALSE(list_has("cpuset memory\n", "cpu", 3));
	CU_ASSERT_FALSE(list_has("xcpu\n", "cpu", 3));
	CU_ASSERT_FALSE(list_has("", "cpu", 3));
}

static void test_long_names(void)
{
	struct cgroup group = { .path = "" };
	char name[CGROUP_PATH_MAX + 1];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	test_check_contains(ENDS(cgroup_create_or_broken(&group, name, "")),
			    "too long a name");
	test_check_string(group.path, "");
	memset(group.path, 'y', sizeof(group.path) - 1);
	group.path[sizeof(group.path) - 1] = '\0';
	test_check_contains(ENDS(cgroup_number_or_broken(&group, name)),
			    "too long a name");
}

TEST_SUITE("cgroup", { "fields", test_fields }, { "fields refused", test_fields_refused },
	   { "numbers", test_numbers }, { "writes", test_writes },
	   { "removes", test_removes }, { "lists", test_lists },
	   { "long names", test_long_names })
