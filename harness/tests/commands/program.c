/* program.c - runs the program under test in a process of its own. */
#include "program.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "files.h"
#include "memory.h"
#include "strbuf.h"
#include "test.h"

#define DEADLINE_S 60

void program_run_release(struct program_run *run)
{
	free(run->out);
	free(run->err);
}

static _Noreturn void execute(const char *program, const struct strvec *argv,
			      const char *folder, const char *out,
			      const char *err)
{
	int in_fd = open("/dev/null", O_RDONLY);
	int out_fd = open(out, O_WRONLY | O_CREAT, 0600);
	int err_fd = open(err, O_WRONLY | O_CREAT, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A pending alarm survives exec. */
	alarm(DEADLINE_S);
	if (in_fd >= 0 && dup2(in_fd, 0) == 0 && dup2(out_fd, 1) == 1 &&
	    dup2(err_fd, 2) == 2 && chdir(test_root()) == 0 &&
	    setenv("HOME", folder, 1) == 0 &&
	    setenv("XDG_CACHE_HOME", folder, 1) == 0)
		execv(program, argv->items);
	_exit(126);
}

static char *read_text(const char *path)
{
	char *text = NULL;

	if (file_read(path, 1 << 20, &text, NULL) < 0)
		return string_copy("");
	return text;
}

void program_run_argv(struct program_run *run, const char *out_path,
		      const char *const *arguments)
{
	const char *folder = test_temp_folder(), *named = getenv("KERNGATE");
	cleanup_free char *out = path_join(folder, "stdout");
	cleanup_free char *err = path_join(folder, "stderr");
	cleanup_free char *standard = path_join(test_root(), "build/check/kerngate");
	cleanup_free char *program = path_absolute(named && *named ? named : standard);
	cleanup_strvec struct strvec argv = STRVEC_INIT;
	int status = 0;
	pid_t child;

	program_run_release(run);
	strvec_push(&argv, "kerngate");
	strvec_push_all(&argv, arguments);
	child = fork();
	if (child == 0)
		execute(program, &argv, folder, out_path ? out_path : out, err);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	run->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					    WEXITSTATUS(status);
	run->out = read_text(out);
	run->err = read_text(err);
	/* A sanitizer's report is never what a test expects. */
	if (strstr(run->err, "Sanitizer"))
		test_check_string(run->err, "no report of a sanitizer");
}

void check_golden(const char *text, const char *name)
{
	cleanup_free char *file = path_join("commands", name);
	const char *path = test_fixture_path(file);
	const char *mode = getenv("KERNGATE_GOLDEN");
	cleanup_free char *expected = NULL;

	if (mode && strcmp(mode, "write") == 0) {
		CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0644), 0);
		return;
	}
	expected = read_text(path);
	test_check_string(text, expected);
}

size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		longest = length > longest ? length : longest;
		text += length + (text[length] == '\n');
	}
	return longest;
}
