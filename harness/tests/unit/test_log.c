/* test_log.c - log lines and progress, seen through a pipe on stderr. */
#include "log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "test.h"

/* What action writes to stderr; owned. */
static char *stderr_of(void (*action)(void))
{
	cleanup_free char *path = path_join(test_temp_folder(), "stderr");
	cleanup_close int saved = dup(STDERR_FILENO);
	cleanup_close int file = open(path, O_WRONLY | O_CREAT, 0600);
	char *text = NULL;

	fflush(stderr);
	(void)dup2(file, STDERR_FILENO);
	action();
	fflush(stderr);
	(void)dup2(saved, STDERR_FILENO);
	log_set_level(LOG_INFO);
	log_set_live(false);
	CU_ASSERT_EQUAL(file_read(path, 1 << 20, &text, NULL), 0);
	return text;
}

static void write_levels(void)
{
	log_error("e%d", 1);
	log_warning("w");
	log_info("i");
	log_debug("d");
	log_set_level(LOG_ERROR);
	log_warning("hidden");
	log_set_level(LOG_DEBUG);
	log_debug("shown");
}

static void test_levels(void)
{
	cleanup_free char *text = stderr_of(write_levels);

	test_check_string(text, "error: e1\nwarning: w\ni\ndebug: shown\n");
}

static void write_plain(void)
{
	log_set_live(false);
	progress_update("run", "trial", 1, 60, UINT64_MAX, "stock");
	progress_update("run", "trial", 2, 60, UINT64_MAX, "stock");
	progress_update("run", "judge", 0, 0, UINT64_MAX, NULL);
	progress_update("done", NULL, 0, 0, 90 * UINT64_C(1000000000), "");
	progress_clear();
}

static void test_plain_progress(void)
{
	cleanup_free char *text = stderr_of(write_plain);

	test_check_contains(text, "[run] trial 1/60  elapsed ");
	test_check_contains(text, "  stock\n");
	CU_ASSERT_PTR_NULL(strstr(text, "2/60"));
	test_check_contains(text, "[run] judge  elapsed ");
	test_check_contains(text, "remaining 1 min 30 s\n");
	CU_ASSERT_PTR_NULL(strchr(text, '\033'));
}

static void write_live(void)
{
	log_set_live(true);
	progress_update("run", "trial", 1, 60, UINT64_MAX, "stock");
	log_info("a line between");
	progress_clear();
	log_info("after");
}

static void test_live_progress(void)
{
	cleanup_free char *text = stderr_of(write_live);
	const char *line;

	/* Erased, the line, drawn again, erased at the end. */
	test_check_contains(text, "\r\033[K[run] trial 1/60");
	line = strstr(text, "\r\033[Ka line between\n\r\033[K[run] trial 1/60");
	CU_ASSERT_PTR_NOT_NULL(line);
	test_check_contains(text, "\r\033[Kafter\n");
}

static void write_long_live(void)
{
	cleanup_free char *detail = memory_alloc(1001);

	memset(detail, 'x', 1000);
	log_set_live(true);
	progress_update("run", "trial", 1, 60, UINT64_MAX, detail);
	progress_clear();
}

static void test_live_line_is_cut(void)
{
	cleanup_free char *text = stderr_of(write_long_live);

	CU_ASSERT_TRUE(strlen(text) < 100);
}

TEST_SUITE("log",
	   {"levels", test_levels},
	   {"progress without a terminal", test_plain_progress},
	   {"progress on a terminal", test_live_progress},
	   {"the live line fits the terminal", test_live_line_is_cut})
